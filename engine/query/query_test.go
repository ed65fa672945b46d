package query

import (
	"slices"
	"testing"
	"time"

	"tocsin/engine"
)

// fields describes an event; what is no field of its own is an attribute.
type fields map[string]any

func event(f fields) *engine.Event {
	var parts engine.Parts
	e := &engine.Event{}
	for name, v := range f {
		switch name {
		case "host":
			parts.SetHost(v.(string))
		case "service":
			parts.SetService(v.(string))
		case "tags":
			parts.Tags = v.([]string)
		case "state":
			e.SetState(v.(string))
		case "description":
			e.SetDescription(v.(string))
		case "time":
			e.SetTime(engine.TimeOf(v.(float64)))
		case "metric":
			e.SetMetric(v.(float64))
		case "ttl":
			e.SetTTL(engine.Seconds(v.(float64)))
		case "arrival":
			e.Arrival = engine.TimeOf(v.(float64))
		default:
			parts.SetAttr(name, v.(string))
		}
	}
	e.ID = engine.NewIdentities(1).Loose(parts)
	return e
}

func mustParse(t testing.TB, text string) *Query {
	t.Helper()
	q, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// decide returns what q says about e, and fails where its three answers do not
// go together.
func decide(t interface {
	Helper()
	Errorf(string, ...any)
}, q *Query, e *engine.Event) bool {
	t.Helper()
	match, err := q.Match(e)
	if err != nil {
		t.Errorf("%s: Match: %v", q, err)
	}
	split := false
	switch v := q.Static(e.ID); v {
	case engine.Always:
		split = true
	case engine.Maybe:
		if split, err = q.Rest(e); err != nil {
			t.Errorf("%s: Rest: %v", q, err)
		}
	}
	if split != match {
		t.Errorf("%s: Match says %v, Static (%v) and Rest say %v", q, match, q.Static(e.ID), split)
	}
	for _, l := range q.Literals() {
		holds := l.Tag && e.ID.Tagged(l.Text) || !l.Tag && l.Field.Of(e) == engine.TextValue(l.Text)
		if match && !holds {
			t.Errorf("%s: matches without its literal %+v", q, l)
		}
	}
	return match
}

func TestMeaning(t *testing.T) {
	full := fields{
		"host": "web1", "service": "nginx requests", "state": "ok", "description": "4", "time": 1700000000.5,
		"metric": 4.0, "ttl": 60.0, "tags": []string{"prod", "eu"},
		"four": "4.0", "word": "four", "empty": "", "true": "true", "and": "&", "x-y": "dash", "a.b": "dot", "größe": "9",
	}
	bare := fields{}
	for _, test := range []struct {
		group string
		event fields
		holds []string
		not   []string
	}{
		{"equality", full,
			[]string{`host = "web1"`, `"web1" = host`, `metric = 4`, `metric = 4.0`, `4 = 4.0`, `metric = 0.4e1`, `time = 1700000000.5`, `ttl = 60`, `host != "web2"`, `"a" = 'a'`},
			[]string{`host = "web"`, `host = "WEB1"`, `metric = 5`, `host != "web1"`, `host = word`, `"a" = "b"`}},
		{"a text is no number", full,
			[]string{`metric != "4"`},
			[]string{`metric = "4"`, `"4" = 4`, `metric < "5"`}},
		{"order holds only between numbers", full,
			[]string{`metric > 3.9`, `metric >= 4`, `metric <= 4`, `metric < 4.1`, `3 < metric`, `5 >= metric`, `4 >= metric`, `4 <= metric`, `5 > metric`, `-1 < 1`, `time > ttl`, `metric > -5`},
			[]string{`metric > 4`, `metric < 4`, `4 < metric`, `4 > metric`, `3 >= metric`, `5 <= metric`, `host < "x"`, `"a" < "b"`, `host > 1`, `nil < 1`, `nope < 1`, `nope >= 1`, `false < true`, `word < 5`, `word >= 5`}},
		{"an attribute that reads as a number compares with a number as one", full,
			[]string{`four = 4`, `4 = four`, `four < 5`, `5 > four`, `four = metric`, `metric = four`, `four < ttl`, `four != 5`, `word != 4`, `empty != 0`, `größe = 9`},
			[]string{`four != 4`, `four > 4`, `word = 4`, `empty = 0`, `four != metric`}},
		{"an attribute is a text beside anything but a number", full,
			[]string{`four = "4.0"`, `four != "4"`},
			[]string{`four = "4"`, `four < "5"`, `four < größe`, `true = attr "true"`}},
		{"host, service, state and description never read as numbers", fields{"host": "4", "service": "4", "state": "4", "description": "4", "metric": 4.0},
			[]string{`host = "4"`, `host != 4`, `host != metric`, `host = state`},
			[]string{`host = 4`, `service = 4`, `state = 4`, `description = 4`, `host < 5`, `service < 5`, `state < 5`, `description < 5`, `host = metric`, `metric = state`}},
		{"what is absent", bare,
			[]string{`host = nil`, `metric = nil`, `metric = null`, `nope = nil`, `nil = host`, `tags = nil`, `nil = null`, `host != "a"`, `metric != 4`, `nope != 4`, `state != "ok"`, `a = b`, `host = metric`, `host = nope`, `not host`},
			[]string{`host != nil`, `tags != nil`, `host`, `metric`, `tags`, `host = "a"`, `metric = 4`, `metric = 0`, `metric < 4`, `metric > 4`, `host =~ "%"`, `host ~= ""`, `a != b`, `nope != host`, `host = ""`, `state = "ok"`},
		},
		{"what is there is not nil", full,
			[]string{`host != nil`, `metric != nil`, `empty != nil`, `tags != nil`, `nil != 4`},
			[]string{`host = nil`, `metric = nil`, `empty = nil`, `tags = nil`, `4 = nil`}},
		{"booleans compare", full,
			[]string{`true = true`, `true != false`, `true != "true"`, `true != 1`, `attr "true" != true`, `nil != false`},
			[]string{`true = false`, `true = 1`, `false = nil`, `host = true`, `attr "true" = true`}},
		{"a bare field holds when the event has it", full,
			[]string{`host`, `metric`, `tags`, `empty`, `word`, `attr "and"`, `attr "x-y"`, `a.b`, `time`, `ttl`, `description`},
			[]string{`nope`, `attr "host"`}},
		{"0 and the empty text are there", fields{"metric": 0.0, "host": "", "x": ""},
			[]string{`metric`, `host`, `x`, `host = ""`, `x = ""`, `host =~ "%"`, `x ~= "^$"`}, []string{`host = nil`}},
		{"bare words", full, []string{`true`, `not false`, `not nil`, `not null`}, []string{`false`, `nil`, `null`, `not true`}},
		{"attr names what is not a plain name", full,
			[]string{`attr "and" = "&"`, `attr 'x-y' = "dash"`, `"dash" = attr "x-y"`, `attr "four" = 4`, `a.b = "dot"`, `attr "größe" > 8`},
			[]string{`attr "host" = "web1"`}},
		{"wildcards are anchored at both ends", full,
			[]string{`service =~ "nginx %"`, `service =~ "%requests"`, `service =~ "%x r%"`, `service =~ "n%x%s"`, `service =~ "%"`, `host =~ "web1"`, `host =~ "web1%"`, `word =~ "f%r"`, `four =~ "4%"`, `"abc" =~ "a%"`, `empty =~ "%"`},
			[]string{`service =~ "nginx"`, `service =~ "ginx %"`, `service =~ "%request"`, `host =~ "web."`, `host =~ "w*"`, `"abc" =~ "b%"`}},
		{"regular expressions are not anchored", full,
			[]string{`service ~= "inx re"`, `service ~= "^nginx"`, `host ~= "web[0-9]"`, `host ~= "\\d$"`, `host ~= "(?i)WEB"`, `"abc" ~= "b"`, `four ~= "^4"`},
			[]string{`service ~= "^inx"`, `host ~= "^\\d+$"`, `host ~= "WEB"`}},
		{"patterns hold only for text", full,
			[]string{`description =~ "4"`, `description ~= "4"`},
			[]string{`metric =~ "4"`, `metric =~ "%"`, `metric ~= "4"`, `metric ~= ""`, `4 =~ "4"`, `nil =~ "%"`, `true ~= "t"`, `nope =~ "%"`}},
		{"tags", full,
			[]string{`tagged "prod"`, `tagged 'eu'`, `tagged "prod" and tagged "eu"`, `tags = "prod,eu"`, `tags =~ "prod%"`},
			[]string{`tagged "pro"`, `tagged "prod,eu"`, `tagged ""`, `tags = "prod"`}},
		{"tags never read as numbers", fields{"tags": []string{"4"}}, []string{`tags = "4"`}, []string{`tags = 4`, `tags < 5`}},
		{"not before and before or", full,
			[]string{`true or true and false`, `true or false and false`, `not false and true`, `not false or false`, `not (true and false)`, `false and false or true`},
			[]string{`(true or true) and false`, `not true or false`, `not true and false`, `not (false or true)`, `false and (false or true)`, `not not false`}},
		{"blanks are optional", full,
			[]string{`metric>3`, `host="web1"`, `metric>=4and host='web1'`, `(metric)and(host)`, `metric>-5`, `not(metric=5)`, `four=4and"a"="a"`, "\n host\t=\r\n'web1' ", `host=~"web%"`, `host~="b1"`, "host\u00a0= 'web1'"},
			nil},
		{"the example", full, []string{`service =~ "nginx %" and metric > 3 and not (host = "web2" or tagged "staging")`}, []string{`service =~ "nginx %" and metric > 3 and not (host = "web1" or tagged "staging")`}},
		{"the other side of a comparison is a field", fields{"host": "a", "role": "a", "metric": 3.0, "limit": "2.5", "ttl": 3.0},
			[]string{`host = role`, `role = host`, `metric > limit`, `limit < metric`, `metric = ttl`, `metric != limit`, `host != metric`, `nope != host`},
			[]string{`host != role`, `metric < limit`, `metric = limit`, `metric > role`, `host = nope`, `metric > ttl`}},
		{"words are in lower case", fields{"And": "x", "TRUE": "y"}, []string{`And`, `TRUE = "y"`}, nil},
		{"expired", fields{"state": "expired"}, []string{`expired`, `expired and state = "expired"`}, []string{`not expired`}},
		{"not expired", fields{"state": "Expired"}, nil, []string{`expired`}},
	} {
		t.Run(test.group, func(t *testing.T) {
			e := event(test.event)
			for _, text := range test.holds {
				if !decide(t, mustParse(t, text), e) {
					t.Errorf("%s does not hold", text)
				}
			}
			for _, text := range test.not {
				if decide(t, mustParse(t, text), e) {
					t.Errorf("%s holds", text)
				}
			}
		})
	}
}

func TestNotANumber(t *testing.T) {
	zero := 0.0
	e := event(fields{"metric": zero / zero, "n": "nan"})
	for text, want := range map[string]bool{
		`metric`: true, `metric = metric`: false, `metric != metric`: true, `metric = n`: false,
		`metric < 1`: false, `metric >= 1`: false, `metric != 1`: true,
	} {
		if got := decide(t, mustParse(t, text), e); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestReadNumber(t *testing.T) {
	for s, want := range map[string]float64{
		"4": 4, "4.0": 4, "-4": -4, "+4": 4, ".5": 0.5, "-.5": -0.5, "5.": 5, "1e3": 1000, "1E-3": 0.001, "1e+3": 1000, "007": 7, "-0": 0, "1e-999": 0,
	} {
		if n, ok := readNumber(s); !ok || n != want {
			t.Errorf("%q: %v, %v", s, n, ok)
		}
	}
	for _, s := range []string{"", " 4", "4 ", "4,0", "0x10", "1_000", "inf", "Infinity", "nan", "NaN", "e3", "1e", ".", "-", "+", "1.2.3", "4s", "--4", "1e999", "1e+", "+-4", "4-"} {
		if n, ok := readNumber(s); ok {
			t.Errorf("%q reads as %v", s, n)
		}
		if _, ok := engine.ParseNumber(s); ok {
			t.Errorf("the engine reads %q as a number", s)
		}
	}
}

func TestEscapes(t *testing.T) {
	for text, want := range map[string]string{
		`"\" \' \\ \n \t \r \b \f"`: "\" ' \\ \n \t \r \b \f",
		`'it\'s "it"'`:              `it's "it"`,
		`"it's"`:                    "it's",
		`"\u00e9\u00E9\u20ac"`:      "éé€",
		`"\ud83d\udd14"`:            "🔔",
		`"\u0000"`:                  "\x00",
		`"🔔 größe"`:                 "🔔 größe",
		"\"two\nlines\"":            "two\nlines",
		"'caf\xe9'":                 "caf\xe9",
		`""`:                        "",
	} {
		if !decide(t, mustParse(t, "host = "+text), event(fields{"host": want})) {
			t.Errorf("%s is not %q", text, want)
		}
	}
}

func TestExpired(t *testing.T) {
	now, ttl := engine.TimeOf(0), 50*time.Second
	env := &Env{Now: func() engine.Time { return now }, DefaultTTL: func() time.Duration { return ttl }}
	withTTL := fields{"arrival": 1000.0, "ttl": 20.0, "time": 5.0}
	for _, test := range []struct {
		now   float64
		event fields
		want  bool
	}{
		{1019.9, withTTL, false},
		{1020, withTTL, true}, // at the instant arrival + ttl
		{1049, fields{"arrival": 1000.0}, false},
		{1050, fields{"arrival": 1000.0}, true},
		{1000, fields{"arrival": 1000.0, "ttl": 0.0}, false}, // the streams have yet to see it
		{1000.1, fields{"arrival": 1000.0, "ttl": 0.0}, true},
		{1000, fields{"arrival": 1000.0, "state": "expired"}, true},
		{1000, fields{"arrival": 1000.0, "ttl": 1e300}, false},
	} {
		now = engine.TimeOf(test.now)
		q, err := ParseWith("expired", env)
		if err != nil {
			t.Fatal(err)
		}
		if got := decide(t, q, event(test.event)); got != test.want {
			t.Errorf("%v at %v: %v", test.event, test.now, got)
		}
	}
	now = engine.TimeOf(60)
	q, err := ParseWith("not expired", &Env{Now: env.Now})
	if err != nil {
		t.Fatal(err)
	}
	if decide(t, q, event(fields{})) {
		t.Error("without DefaultTTL an event lives longer than engine.DefaultTTL")
	}
	if decide(t, mustParse(t, "expired"), event(fields{})) {
		t.Error("without a clock a ttl passes")
	}
}

func TestStatic(t *testing.T) {
	id := event(fields{"host": "web1", "service": "nginx", "tags": []string{"prod"}, "role": "4"}).ID
	for text, want := range map[string]engine.Verdict{
		`host = "web1"`:                                engine.Always,
		`host = "web2"`:                                engine.Never,
		`host != "web2"`:                               engine.Always,
		`tagged "prod" and role < 5`:                   engine.Always,
		`metric > 5`:                                   engine.Maybe,
		`host = "web1" and metric > 5`:                 engine.Maybe,
		`host = "web2" and metric > 5`:                 engine.Never,
		`host = "web1" or metric > 5`:                  engine.Always,
		`host = "web2" or metric > 5`:                  engine.Maybe,
		`not (host = "web2" and metric > 5)`:           engine.Always,
		`not (host = "web1" or metric > 5)`:            engine.Never,
		`not metric`:                                   engine.Maybe,
		`host = service`:                               engine.Never,
		`host = state`:                                 engine.Maybe,
		`role = metric`:                                engine.Maybe,
		`expired`:                                      engine.Maybe,
		`expired and false`:                            engine.Never,
		`host =~ "web%" and service ~= "^ng" and tags`: engine.Always,
		`metric = "4"`:                                 engine.Never, // for any event at all
		`metric != "4"`:                                engine.Always,
		`metric < host`:                                engine.Never,
		`state < 4`:                                    engine.Never,
		`(host = "web1" or metric > 1) and state = "ok"`: engine.Maybe,
		`(host = "web2" and metric > 1) or state = "ok"`: engine.Maybe,
		`(host = "web2" and metric > 1) or role = "4"`:   engine.Always,
		`nope and metric`: engine.Never,
		`true`:            engine.Always,
		`4 = 5`:           engine.Never,
		`tags = nil or attr "host" != nil and time > 100`: engine.Never,
	} {
		if got := mustParse(t, text).Static(id); got != want {
			t.Errorf("%s: %v instead of %v", text, got, want)
		}
	}
}

// Rest must not ask again what Static has answered: an event of another
// identity shows whether it does.
func TestRestSkipsWhatIsStatic(t *testing.T) {
	other := event(fields{"metric": 6.0})
	for text, want := range map[string]bool{
		`service = "x" and metric > 5`:                          true,
		`service = "x" and metric > 5 and host = "y"`:           true,
		`service = "x" and (tagged "t" and metric > 5)`:         true,
		`service = "x" and not (tagged "t" or metric < 5)`:      true,
		`service != "x" or metric > 7`:                          false,
		`service = "x" and metric > 5 and metric < 7`:           true,
		`service = "x" and (host = "a" or metric > 5)`:          true,
		`(service != "x" or metric > 7) and host != "nowhere"`:  false,
		`service = "x" and metric > 5 and (tags or metric > 7)`: false,
	} {
		if got, _ := mustParse(t, text).Rest(other); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestLiterals(t *testing.T) {
	host, service, role := engine.FieldNamed("host"), engine.FieldNamed("service"), engine.FieldNamed("role")
	for text, want := range map[string][]engine.Literal{
		`host = "a"`:       {{Field: host, Text: "a"}},
		`"a" = host`:       {{Field: host, Text: "a"}},
		`host = ""`:        {{Field: host}},
		`service =~ "a b"`: {{Field: service, Text: "a b"}},
		`tagged "x"`:       {{Tag: true, Text: "x"}},
		`host = "a" and (role = "4" and metric > 5)`:  {{Field: host, Text: "a"}, {Field: role, Text: "4"}},
		`attr "host" = "a"`:                           {{Field: engine.AttrField("host"), Text: "a"}},
		`metric > 5 and service = "x" and tagged "y"`: {{Field: service, Text: "x"}, {Tag: true, Text: "y"}},
		`role = 4`:                      nil,
		`host = 4`:                      nil,
		`host != "a"`:                   nil,
		`host = service`:                nil,
		`host = nil`:                    nil,
		`"a" = "a"`:                     nil,
		`state = "ok"`:                  nil,
		`tags = "a"`:                    nil,
		`metric = "4"`:                  nil,
		`host =~ "a%"`:                  nil,
		`host ~= "a"`:                   nil,
		`not host = "a"`:                nil,
		`host = "a" or host = "b"`:      nil,
		`not (host = "a" and true)`:     nil,
		`(host = "a" or true) and true`: nil,
	} {
		if got := mustParse(t, text).Literals(); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestWildcardMatcher(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"%", "", true}, {"%", "a\nb", true}, {"%%", "", true}, {"%%%", "x", true},
		{"a%", "a", true}, {"a%", "ba", false}, {"%a", "a", true}, {"%a", "ab", false}, {"%a%", "bab", true}, {"%a%", "b", false},
		{"a%a", "a", false}, {"a%a", "aa", true}, {"ab%ba", "aba", false}, {"ab%ba", "abba", true},
		{"a%b%c", "a1b2c", true}, {"a%b%c", "abc", true}, {"a%b%c", "acb", false}, {"a%b%c", "ac", false},
		{"%a%b%", "xaxbx", true}, {"%a%b%", "ba", false}, {"%ab%ab%", "ab ab", true}, {"%ab%ab%", "abb", false},
		{"a%%b", "ab", true}, {"%aa%aa%", "aaa", false}, {"a.c%", "abcd", false}, {"%é", "caf\u00e9", true},
	} {
		if got := wildcardMatcher(test.pattern)(test.text); got != test.want {
			t.Errorf("%q =~ %q: %v", test.text, test.pattern, got)
		}
	}
}

func TestString(t *testing.T) {
	const text = " metric>5  and host "
	if got := mustParse(t, text).String(); got != text {
		t.Errorf("%q", got)
	}
}

func TestNoAllocation(t *testing.T) {
	now := engine.TimeOf(1000)
	env := &Env{Now: func() engine.Time { return now }}
	e := event(fields{"host": "web1", "service": "nginx requests", "state": "ok", "metric": 6.0, "role": "4", "ip": "10.0.0.1", "tags": []string{"prod", "eu"}})
	for _, text := range []string{
		`service =~ "nginx %" and metric > 5 and not (host = "web2" or tagged "staging")`,
		`service =~ "ngi%s" and role < 5 and role != metric and ip != metric and state = "ok"`,
		`tags and tags != nil and not expired and description =~ "%a%b%" or time < ttl`,
	} {
		q, err := ParseWith(text, env)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			q.Static(e.ID)
			q.Match(e)
			q.Rest(e)
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
