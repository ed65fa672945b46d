package query

import (
	"testing"

	"tocsin/engine"
)

var benchEvent = fields{
	"host": "web1", "service": "nginx requests", "state": "ok", "metric": 6.0, "role": "app", "limit": "5.5",
	"tags": []string{"prod", "eu"},
}

func BenchmarkMatch(b *testing.B) {
	for _, text := range []string{
		`metric > 5`,
		`state = "ok"`,
		`host = "web1"`,
		`role = "app"`,
		`service =~ "nginx %"`,
		`service =~ "%x%q%s"`,
		`service ~= "^nginx .*s$"`,
		`metric > limit`,
		`service =~ "nginx %" and metric > 5 and not (host = "web2" or tagged "staging")`,
	} {
		b.Run(text, func(b *testing.B) {
			q, e := mustParse(b, text), event(benchEvent)
			b.ReportAllocs()
			for b.Loop() {
				if ok, _ := q.Match(e); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkRest(b *testing.B) {
	for _, text := range []string{
		`service = "nginx requests" and metric > 5`,
		`service =~ "nginx %" and metric > 5 and not (host = "web2" or tagged "staging")`,
		`service = "nginx requests" and metric > 5 and state = "ok"`,
	} {
		b.Run(text, func(b *testing.B) {
			q, e := mustParse(b, text), event(benchEvent)
			b.ReportAllocs()
			for b.Loop() {
				if ok, _ := q.Rest(e); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}

func BenchmarkStatic(b *testing.B) {
	q := mustParse(b, `service =~ "nginx %" and metric > 5 and not (host = "web2" or tagged "staging")`)
	id := event(benchEvent).ID
	b.ReportAllocs()
	for b.Loop() {
		if q.Static(id) != engine.Maybe {
			b.Fatal("decided")
		}
	}
}

func BenchmarkParse(b *testing.B) {
	const text = `service =~ "nginx %" and metric > 5 and not (host = "web2" or tagged "staging")`
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
