package rules

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkThousandTests runs 1,000 small tests of a small configuration, all in one
// file, without and with coverage.
func BenchmarkThousandTests(b *testing.B) {
	const tests = 1000
	dir := b.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		return path
	}
	write("small.lua", `local led = sink.led {}
events:where 'service = "a"':by "host":changed("metric"):to(led)
rule "up" { every = 10, eval = function() return index 'service = "a"':share 'metric = 1' end }
`)
	var text strings.Builder
	text.WriteString("config \"small.lua\"\n")
	for i := range tests {
		fmt.Fprintf(&text, "test(%q, function(t)\n  t:send { service = \"a\", metric = %d }\n", fmt.Sprintf("test %d", i), i)
		fmt.Fprintf(&text, "  t:match(t:received \"led\", { { metric = %d } })\nend)\n", i)
	}
	path := write("small_test.lua", text.String())
	for _, c := range []struct {
		name  string
		cover func() *Coverage
	}{
		{"plain", func() *Coverage { return nil }},
		{"coverage", NewCoverage},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				passed, failed, err := Test(context.Background(), []string{path}, TestOptions{Coverage: c.cover()})
				if err != nil || passed != tests || failed > 0 {
					b.Fatalf("%d passed, %d failed, %v", passed, failed, err)
				}
			}
			b.ReportMetric(tests*float64(b.N)/b.Elapsed().Seconds(), "tests/s")
		})
	}
}
