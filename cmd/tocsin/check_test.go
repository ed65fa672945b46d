package main

import (
	"path/filepath"
	"testing"
)

// warned is a rules file and the warnings that it deserves, without their
// place's file.
var warned = []struct {
	name, text string
	want       string // a pattern; "" is none
}{
	{"a stream that goes nowhere", "events:where 'metric > 1'\n  :by 'host'\n  :over(3)", `:3: warning: the stream behind over goes nowhere; end it with `},
	{"one branch is enough", "local a, b = events:split 'metric > 1' b:to(sink.log {})", ""},
	{"a stream kept for branches", "local s = events:over(1) s:to(sink.log {}) s:emit()", ""},
	{"a tap", "events:over(1):tap 'x'", ""},
	{"a rule on a stream", "rule 'r' { on = events:over(1), eval = function() end }", ""},
	{"a stream of a source", "source.graphite { through = function(s) return s:over(1) end }", ""},

	{"a query that cannot match", "events:where 'service = \"a\" and service = \"b\"':to(sink.log {})",
		`:1: warning: no event can match the query .*: service = "a" and service = "b" exclude one another; correct`},
	{"in a function", "every(1, function()\n  return index 'host':share 'metric > 5 and metric < 3'\nend)",
		`:2: warning: no event can match the query .*: metric > 5 and metric < 3 exclude`},
	{"in classify", "events:classify {\n critical = 'metric > \"5\"' }:to(sink.log {})", `:1: warning: no event can match .* not two numbers`},
	{"in a list of classify", "events:classify { { 'bad', 'metric > \"5\"' }, 'ok' }:to(sink.log {})", `:1: warning: no event can match`},
	{"in split", "local a = events:split('host', 'host = nil and host') a:to(sink.log {})", `:1: warning: no event can match`},
	{"quotes that lack", "events:where 'metric > 1 and host = web1':to(sink.log {})", `:1: warning: host = web1 compares two fields; for a text write host = "web1"`},
	{"a rule that counts itself", "rule 'web' { every = 1, eval = function()\n  return { metric = index('service = \"web\" and metric'):count() }\nend }",
		`:1: warning: rule "web" asks the index for .*, which its own events match; give it another name`},
	{"a tree that counts itself", "rule 'web' { every = 1, tags = { 'a' }, eval = all(index 'service = \"web\" and tagged \"a\"') }", `:1: warning: rule "web" asks`},
	{"a rule that leaves itself out", "rule 'web' { every = 1, eval = all(index 'service = \"web\" and host', index 'service = \"web\" and role = \"app\"', index 'state') }", ""},
	{"a rule of another host", "rule 'web' { every = 1, host = 'h', eval = all(index 'service = \"web\" and host = \"i\"') }", ""},
	{"an event that is changed", "events:map(function(e)\n e.state = 'ok'\n return e end):to(sink.log {})",
		`:2: warning: the function of map sets state of an event, which cannot be changed; return a copy, as e:with \{ state = … \}`},
	{"a table that is changed", "events:map(function(e) e = { host = e.host } e.state = 'ok' return e end):to(sink.log {})", ""},
	{"what only looks like a query", "local t = { where = function() end } t:where '1 2 3'", ""},

	{"by without bound", "events:by('host', 'description'):counter():to(sink.log {})", `:1: warning: by "description" makes a group for each description .*; group by`},
	{"by with bound", "events:by('host', 'state'):counter():to(sink.log {})", ""},

	{"changed without init", "events:changed 'state':to(sink.pagerduty { routing_key = 'k' })",
		`:1: warning: changed has no init, .*goes to sink pagerduty .*init = "ok"`},
	{"with options", "events:changed('state', {}):throttle(1, 60):to(sink.webhook { url = 'http://127.0.0.1/' })", `changed has no init`},
	{"with init", "events:changed('state', { init = 'ok' }):to(sink.pagerduty { routing_key = 'k' })", ""},
	{"with pairs", "events:changed('state', { pairs = true }):to(sink.pagerduty { routing_key = 'k' })", ""},
	{"what is filtered", "events:changed 'state':where 'state = \"critical\"':to(sink.pagerduty { routing_key = 'k' })", ""},
	{"what shows a state", "events:changed 'state':to(sink.pagerduty { routing_key = 'k' }, sink.led {})", ""},
	{"what is only written", "events:changed 'state':to(sink.log {})", ""},
}

func TestWarnings(t *testing.T) {
	for _, c := range warned {
		t.Run(c.name, func(t *testing.T) {
			file := writeFile(t, "warned.lua", c.text)
			r := runLine(t, "", "check", file)
			matches(t, "standard error", r.err, c.want)
			if r.code != exitOK {
				t.Errorf("exit code %d", r.code)
			}
			strict := runLine(t, "", "check", "--strict", file)
			matches(t, "standard error of --strict", strict.err, c.want)
			if (strict.code == exitFailed) != (c.want != "") {
				t.Errorf("exit code %d with --strict", strict.code)
			}
		})
	}
}

// TestNoWarnings wants the examples to be free of warnings.
func TestNoWarnings(t *testing.T) {
	for _, name := range []string{"shop.lua", "demo.lua"} {
		r := runLine(t, "", "check", "--strict", filepath.Join(root, "examples/shop", name))
		if r.code != exitOK || r.err != "" {
			t.Errorf("%s: exit code %d: %s", name, r.code, r.err)
		}
	}
}

func TestCheckShowsFunctions(t *testing.T) {
	file := writeFile(t, "functions.lua", `events:where(function(e) return e.metric > 5 end)
  :by(function(e)
    return e.host:gsub("[0-9]", "")
  end):counter():emit()
every(1, function() print "still here" end)`)
	r := runLine(t, "", "check", "-v", file)
	matches(t, "standard output", r.out, `^[^\n]*functions.lua:1: native
[^\n]*functions.lua:2: VM: because it calls :gsub \(line 3\)
[^\n]*functions.lua:5: VM: because nothing took it as a pred or a key, or for map or adjust, when the file was loaded
[^\n]*ok: `)
	if r.code != exitOK {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
}

// TestServicesNobodySends holds the queries of a file against a recording.
func TestServicesNobodySends(t *testing.T) {
	recording := writeFile(t, "r.jsonl", `{"host":"a","service":"web","metric":1,"time":1}`+"\n"+`{"host":"a","service":"df/root","time":200}`+"\n")
	file := writeFile(t, "r.lua", `
local log = sink.log {}
events:where 'service = "web"':to(log)
events:where 'service = "wbe" and metric > 1':to(log)
events:where 'service =~ "df%"':with { service = "disk" }:emit()
events:where 'service = "disk"':to(log)
events:where 'service =~ "%/percent"':to(log)
events:where(function(e) return e.metric end):map(function(e) return { service = e.service .. "2" } end):emit()
events:where 'service = "web2"':to(log)
rule "shop" { every = 3600, eval = function()
  return { metric = index 'service = "requests"':sum() }
end }
events:where 'service = "shop" or service = "nobody"':to(log)
events:where 'service = "shop"':to(log)
events:where 'service = "tocsin error"':to(log)
`)
	r := runLine(t, "", "check", "--recording", recording, file)
	matches(t, "standard error", r.err, `^\S+r.lua:4: warning: no event of the recording has service = "wbe"; correct the name, .*\n`+
		`\S+r.lua:7: warning: .* has service =~ "%/percent"; .*\n`+
		`\S+r.lua:11: warning: .* has service = "requests"; .*\n$`)
	if r.code != exitOK {
		t.Errorf("exit code %d", r.code)
	}
	if r := runLine(t, "", "check", "--strict", "--recording", recording, file); r.code != exitFailed {
		t.Errorf("exit code %d with --strict", r.code)
	}
	if r := runLine(t, "", "check", "--recording", "nowhere", file); r.code != exitFailed {
		t.Errorf("exit code %d without the recording: %s", r.code, r.err)
	}
}
