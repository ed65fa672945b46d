package main

import (
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tocsin/plugins/terminal"
	"tocsin/rules"
)

// testFolder makes a folder with a configuration and two files of tests.
func testFolder(t *testing.T) string {
	dir := t.TempDir()
	writeIn(t, dir, "disk.lua", `local log = sink.log {}
events:where 'service = "df"':over(90):to(log)
events:where 'service = "swap"':to(log)
`)
	writeIn(t, dir, "disk_test.lua", `config "disk.lua"
test("full", function(t)
  t:send { service = "df", metric = 95 }
  t:match(t:received "log", { { metric = 95 } })
end)
test("half full", function(t)
  t:send { service = "df", metric = 95 }
  t:match(t:received "log", { { metric = 50 } })
end)
`)
	writeIn(t, dir, "more_test.lua", `test("<&>\1", function(t) t:eq("<\1", "&") end)`)
	return dir
}

func writeIn(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTestFlags(t *testing.T) {
	dir := testFolder(t)
	for _, c := range []struct {
		name string
		args []string
		code int
		out  string // patterns
		err  string
	}{
		{"all", nil, 1, `(?s)disk_test.lua:8: test half full: .*\n! \[1\] metric  \| 50       \| 95\n.*1 passed, 2 failed\n$`, ""},
		{"run", []string{"--run", "^full$"}, 0, `^1 passed, 0 failed\n$`, ""},
		{"run several", []string{"--run", "full"}, 1, `1 passed, 1 failed\n$`, ""},
		{"run none", []string{"--run", "empty"}, 1, `^0 passed, 0 failed\n$`, `no test matches --run "empty"`},
		{"run what is no expression", []string{"--run", "("}, 2, "", `--run "\(": error parsing regexp`},
		{"coverage", []string{"--run", "^full$", "--coverage"}, 0,
			`(?s)^coverage .*disk.lua +3/3 100 % +3/5  60 %\n.*\+ \S+disk.lua:2  over +1\n.*- \S+disk.lua:3  where +0\n.*\n1 passed, 0 failed\n$`, ""},
		{"listing", []string{"--run", "^full$", "--listing"}, 0, `(?s)^coverage .*\n\+    3  events:where 'service = "swap"':to\(log\)\n\n1 passed`, ""},
		{"coverage of nothing", []string{"--run", "<", "--coverage"}, 1, `(?s)coverage: the tests read no rules file\n`, ""},
		{"junit where nothing can be", []string{"--junit", filepath.Join(dir, "nowhere", "results.xml")}, 1, "1 passed", `cannot write results ".*nowhere`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := dir
			if c.name == "coverage of nothing" {
				path = filepath.Join(dir, "more_test.lua")
			}
			r := runLine(t, "", append([]string{"test", path}, c.args...)...)
			if r.code != c.code {
				t.Errorf("exit code %d, want %d", r.code, c.code)
			}
			matches(t, "standard output", r.out, c.out)
			matches(t, "standard error", r.err, c.err)
		})
	}
}

// TestJUnit reads the results as a CI server does.
func TestJUnit(t *testing.T) {
	dir := testFolder(t)
	writeIn(t, dir, "broken_test.lua", "test(")
	path := filepath.Join(dir, "results.xml")
	if r := runLine(t, "", "test", dir, "--junit", path); r.code != exitFailed {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	var got struct {
		Tests    int     `xml:"tests,attr"`
		Failures int     `xml:"failures,attr"`
		Errors   int     `xml:"errors,attr"`
		Time     float64 `xml:"time,attr"`
		Suites   []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Cases    []struct {
				Name    string   `xml:"name,attr"`
				Failure *failure `xml:"failure"`
				Error   *failure `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &got); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if got.Tests != 4 || got.Failures != 2 || got.Errors != 1 || got.Time <= 0 || len(got.Suites) != 3 {
		t.Fatalf("got %+v", got)
	}
	broken, disk, more := got.Suites[0], got.Suites[1], got.Suites[2]
	if e := broken.Cases[0].Error; e == nil || !strings.Contains(e.Message, "broken_test.lua:1: syntax error") {
		t.Errorf("the broken file is %+v", broken)
	}
	if disk.Tests != 2 || disk.Failures != 1 || disk.Cases[0].Failure != nil || disk.Cases[1].Name != "half full" {
		t.Errorf("the tests of the disk are %+v", disk)
	}
	if f := disk.Cases[1].Failure; f == nil || !strings.Contains(f.Message, "disk_test.lua:8: ") || !strings.Contains(f.Text, "! [1] metric  | 50       | 95\n") {
		t.Errorf("the failure is %+v", f)
	}
	if more.Cases[0].Name != "<&>\ufffd" {
		t.Errorf("the name is %q", more.Cases[0].Name)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".results*")); len(left) > 0 {
		t.Errorf("%q is left behind", left)
	}
}

// TestJUnitDevice: what is no file is written to, not replaced.
func TestJUnitDevice(t *testing.T) {
	if r := runLine(t, "", "test", testFolder(t), "--run", "^full$", "--junit", os.DevNull); r.code != exitOK {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s is %v, %v", os.DevNull, info, err)
	}
}

// TestWatch changes what the tests depend on, and wants them run again.
func TestWatch(t *testing.T) {
	dir := testFolder(t)
	elsewhere := t.TempDir()
	writeIn(t, elsewhere, "day.jsonl", `{"service":"df","metric":99}`)
	writeIn(t, dir, "more_test.lua", `test("a day", function(t) t:replay "`+filepath.Join(elsewhere, "day.jsonl")+`" end)`)
	c := startLine(t, strings.NewReader(""), "test", dir, "--watch")
	c.out.await(t, `2 passed, 1 failed\n`)
	writeIn(t, dir, "disk_test.lua", `test("nothing", function(t) end)`)
	c.out.await(t, `changed: \S*/disk_test.lua\n2 passed, 0 failed\n`)
	writeIn(t, dir, "disk_test.lua", `test(`)
	c.out.await(t, `changed: \S*/disk_test.lua\n\S*/disk_test.lua:1: .*\n1 passed, 1 failed\n`)
	if err := os.Remove(filepath.Join(dir, "disk_test.lua")); err != nil {
		t.Fatal(err)
	}
	c.out.await(t, `changed: \S*/disk_test.lua\n1 passed, 0 failed\n`)
	writeIn(t, elsewhere, "day.jsonl", `{"service":"df","metric":100}`)
	c.out.await(t, `changed: \S*/day.jsonl\n1 passed, 0 failed\n`)
	c.stop()
}

// TestWatchEnds ends the tests in hand with the signal.
func TestWatchEnds(t *testing.T) {
	path := writeFile(t, "ever_test.lua", `test("for ever", function(t)
  print "begun"
  every(1, function() end)
  while true do pcall(function() t:advance(1) end) end
end)`)
	c := startLine(t, strings.NewReader(""), "test", path, "--watch")
	c.err.await(t, "begun")
	c.stop()
}

func TestWatchNothing(t *testing.T) {
	if r := runLine(t, "", "test", "nowhere", "--watch"); r.code != exitUsage {
		t.Errorf("exit code %d", r.code)
	}
}

// TestTestProgress wants one row that fits, from half a second on, and none in
// the end.
func TestTestProgress(t *testing.T) {
	g := newTestProgress(&process{screen: terminal.NewPipe(io.Discard)})
	g.add(rules.TestResult{File: "shop/shop_test.lua", Name: "pages when a server goes dark", Failure: "it does not"})
	if row := g.paint(nil, 80, terminal.Monochrome); len(row) > 0 {
		t.Errorf("at once it shows %q", row)
	}
	g.began = g.began.Add(-3 * time.Second)
	for _, c := range []struct {
		width int
		want  string
	}{
		{80, "1 test, 1 failed, 3 s, shop_test.lua: pages when a server goes dark\n"},
		{20, "1 test, 1 failed, 3\n"},
	} {
		if row := g.paint(nil, c.width, terminal.Monochrome); string(row) != c.want {
			t.Errorf("in %d columns it shows %q, want %q", c.width, row, c.want)
		}
	}
	g.close()
	if row := g.paint(nil, 80, terminal.Monochrome); len(row) > 0 {
		t.Errorf("in the end it shows %q", row)
	}
}
