package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"tocsin/rules"
)

const busyRules = `local log = sink.log {}
events:where 'service = "up"':by "host":changed("state", { init = "ok" }):to(log)
for i = 1, 3 do events:where('service = "other' .. i .. '"'):index() end
rule "bad" { on = events:where 'service = "up"', eval = function(e) error("oh") end }
`

// busyEvents makes ten critical events of three hosts.
func busyEvents() string {
	var b strings.Builder
	for i := range 10 {
		fmt.Fprintf(&b, `{"host":"h%d","service":"up","state":"critical"}`+"\n", i%3)
	}
	return b.String()
}

var (
	shownTime  = regexp.MustCompile(` [0-9.]+(ns|µs|ms|s|%)( |$)`)
	shownSpace = regexp.MustCompile(` +`)
)

// masked leaves the times out of a table, and puts the lines of rules, which
// stand in the order of their times, in that of their names.
func masked(table string) string {
	var out []string
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\n")
		for shownTime.MatchString(line) {
			line = shownTime.ReplaceAllString(line, " …$2")
		}
		indent := ""
		if strings.HasPrefix(line, "  ") {
			indent = "  "
		}
		out = append(out, indent+strings.TrimSpace(shownSpace.ReplaceAllString(line, " ")))
	}
	return strings.Join(out, "\n")
}

func TestRulesCommand(t *testing.T) {
	c, base := startRules(t, busyRules)
	defer c.stop()
	if status, answer := postEvents(t, base, strings.NewReader(busyEvents())); status != 200 {
		t.Fatalf("status %d, answer %+v", status, answer)
	}
	result := startLine(t, nil, "rules", "--addr", base, "--operators").wait()
	got := masked(result.out)
	for _, want := range []string{
		"RULE LOAD TIME EACH IN OUT GROUPS ERRORS PLACE\n",
		"\nrule bad … … … 10 0 0 5 rules.lua:5 (quarantined)",
		"\nstream rules.lua:3 … … … 10 3 3 0\n" +
			"  where 'service = \"up\"' … … … 10 10 0 0 rules.lua:3\n" +
			"  by \"host\" … … … 10 10 3 0 rules.lua:3\n" +
			"  changed(\"state\", { init = \"ok\" }) … … … 10 3 0 0 rules.lua:3\n" +
			"  to(log) … … … 3 3 0 0 rules.lua:3\n",
		"\nstream rules.lua:4 … … 0 0 0 0\n" +
			"  where … (3 times) … … 0 0 0 0 rules.lua:4\n" +
			"  index() (3 times) … … 0 0 0 0 rules.lua:4",
		"\nstream rules.lua:5 … … … 10 10 0 0\n",
	} {
		if !strings.Contains(got+"\n", want) {
			t.Errorf("there is no\n%s\nin\n%s", want, got)
		}
	}
	if result.code != exitOK || strings.Contains(result.out, "\x1b") {
		t.Errorf("code %d, %q", result.code, result.out)
	}
	if got := startLine(t, nil, "rules", "--addr", base, "--limit", "1").wait(); strings.Count(got.out, "\n") != 2 {
		t.Errorf("limited to 1: %s", got.out)
	}
	json := startLine(t, nil, "rules", "--addr", base, "--json").wait()
	matches(t, "--json", json.out, `^\{"age":[0-9.]+,"rules":\[\{"kind":.*"sources":\{"http":10\}\}\n$`)
	if strings.Contains(json.out, "operators") {
		t.Errorf("there are operators in %s", json.out)
	}
	if wrong := startLine(t, nil, "rules", "--addr", base, "--limit=-1").wait(); wrong.code != exitUsage {
		t.Errorf("--limit=-1: code %d", wrong.code)
	}
}

// TestRulesWatched wants what was done between two readings, until a signal.
func TestRulesWatched(t *testing.T) {
	c, base := startRules(t, busyRules)
	defer c.stop()
	watching := startLine(t, nil, "rules", "--addr", base, "--watch")
	postEvents(t, base, strings.NewReader(busyEvents()))
	watching.out.await(t, `(?m)^RULE(?s:.*)^stream rules.lua:4 +0.00% +0ns +0 +0 `)
	watching.stop()
}

func TestRuleMetrics(t *testing.T) {
	c, base := startRules(t, busyRules)
	defer c.stop()
	postEvents(t, base, strings.NewReader(busyEvents()))
	_, text := ask(t, "GET", base+"/metrics", nil)
	for _, line := range []string{
		`tocsin_rule_events_in_total{rule="bad",kind="rule"} 10`,
		`tocsin_rule_errors_total{rule="bad",kind="rule"} 5`,
		`tocsin_rule_quarantined{rule="bad"} 1`,
		`tocsin_rule_events_in_total{rule="rules.lua:3",kind="stream"} 10`,
		`tocsin_rule_events_out_total{rule="rules.lua:3",kind="stream"} 3`,
		`tocsin_rule_groups{rule="rules.lua:3",kind="stream"} 3`,
		`tocsin_errors_total 5`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no %s in\n%s", line, text)
		}
	}
	matches(t, "the metrics", text, `(?m)^tocsin_rule_seconds_total\{rule="bad",kind="rule"\} [0-9.e-]+$`)
}

// TestManyRulesAreOneLine: of more rules than metrics can bear the cheap ones
// are summed up.
func TestManyRulesAreOneLine(t *testing.T) {
	list := make([]rules.RuleUsage, metricRules+3)
	for i := range list {
		list[i] = rules.RuleUsage{Kind: rules.RuleUsed, Name: fmt.Sprint(i), UsageCounts: rules.UsageCounts{In: 1, Groups: 2}}
	}
	var out bytes.Buffer
	writeUsage(&out, list)
	text := out.String()
	if n := strings.Count(text, "tocsin_rule_groups{"); n != metricRules+1 {
		t.Errorf("%d lines of each, want %d", n, metricRules+1)
	}
	if want := `tocsin_rule_groups{rule="(others)",kind="others"} 6` + "\n"; !strings.Contains(text, want) {
		t.Errorf("there is no %s", want)
	}
}

// TestUsageAfterReload: the counters begin anew, for the rules as they are then.
func TestUsageAfterReload(t *testing.T) {
	c, base := startRules(t, busyRules)
	defer c.stop()
	postEvents(t, base, strings.NewReader(busyEvents()))
	if r := startLine(t, nil, "reload", "--addr", base).wait(); r.code != exitOK {
		t.Fatal(r.err)
	}
	postEvents(t, base, strings.NewReader(`{"host":"h1","service":"up","state":"critical"}`))
	got := masked(startLine(t, nil, "rules", "--addr", base).wait().out)
	if want := "\nstream rules.lua:3 … … … 1 0 3 0"; !strings.Contains(got, want) {
		t.Errorf("there is no %s in\n%s", want, got)
	}
}

// TestUsageOfAnEngineThatHangs: the other metrics come nevertheless.
func TestUsageOfAnEngineThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := rules.LoadString("x.lua", "", ".", rules.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		a := testAPI() // nobody runs its engine
		a.show(c)
		if status, body := request(a.route, "GET", "/api/v1/rules", ""); status != 503 || !strings.Contains(body, "too busy") {
			t.Errorf("%d %s", status, body)
		}
		if status, body := request(a.route, "GET", "/metrics", ""); status != 200 || !strings.Contains(body, "\n# metrics of rules are missing: the engine is too busy") {
			t.Errorf("%d %s", status, body)
		}
		a.close(t.Context())
	})
}

// TestUsageWhileReloading: an engine that has just taken over is not asked for
// what its predecessor did.
func TestUsageWhileReloading(t *testing.T) {
	c, err := rules.LoadString("x.lua", "", ".", rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a := testAPI()
	a.show(c)
	var running sync.WaitGroup
	running.Go(func() { a.runner.Run(t.Context()) })
	if status, body := request(a.route, "GET", "/api/v1/rules", ""); status != 503 || !strings.Contains(body, "being reloaded") {
		t.Errorf("%d %s", status, body)
	}
	a.close(t.Context())
	a.runner.Stop()
	running.Wait()
}
