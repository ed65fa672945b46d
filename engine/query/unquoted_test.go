package query

import "testing"

func TestUnquoted(t *testing.T) {
	for _, c := range []struct{ query, written, meant string }{
		{`host = web1`, `host = web1`, `host = "web1"`},
		{`metric > 5 and not (state != ok or tagged "x")`, `state != ok`, `state != "ok"`},
		{`service = df.root`, `service = df.root`, `service = "df.root"`},

		{`host = "web1"`, "", ""},
		{`role = app`, "", ""},
		{`metric > limit`, "", ""},
		{`host = service`, "", ""},
		{`host = nil`, "", ""},
		{`host ==`, "", ""},
	} {
		if written, meant := Unquoted(c.query); written != c.written || meant != c.meant {
			t.Errorf("%s: got %q, %q", c.query, written, meant)
		}
	}
}
