package query

import "testing"

func TestServicesOf(t *testing.T) {
	for _, c := range []struct {
		query, text string // text is "" when there is no condition
		service     string
		want        bool
	}{
		{`service = "web"`, `service = "web"`, "web", true},
		{`service = "web"`, `service = "web"`, "webs", false},
		{`metric > 5 and service =~ "df%"`, `service =~ "df%"`, "df/root", true},
		{`metric > 5 and service =~ "df%"`, `service =~ "df%"`, "load", false},
		{`service ~= "^df" and host`, `service ~= "^df"`, "df/root", true},
		{`"web" = service`, `"web" = service`, "web", true},
		{`service != "web"`, "", "", false},
		{`service = "web" or host = "a"`, "", "", false},
		{`not service = "web"`, "", "", false},
		{`service`, "", "", false},
		{`service = nil`, "", "", false},
		{`service = host`, "", "", false},
		{`host = "web"`, "", "", false},
		{`service ==`, "", "", false},
	} {
		s, ok := ServicesOf(c.query)
		if ok != (c.text != "") || s.String() != c.text {
			t.Errorf("%s: got %q, %v", c.query, s, ok)
		}
		if ok && s.Any([]string{"other", c.service}) != c.want {
			t.Errorf("%s: %q: got %v, want %v", c.query, c.service, !c.want, c.want)
		}
	}
}
