package carbon

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"tocsin/engine"
)

// show writes parts as "host=h service=s key=value …", absent ones left out.
func show(p engine.Parts) string {
	var out []string
	if p.Has&engine.HasHost != 0 {
		out = append(out, "host="+p.Host)
	}
	if p.Has&engine.HasService != 0 {
		out = append(out, "service="+p.Service)
	}
	for _, a := range p.Attrs {
		out = append(out, a.Key+"="+a.Value)
	}
	return strings.Join(out, " ")
}

func TestParts(t *testing.T) {
	f := func(templates, name, want string) {
		t.Helper()
		n, err := NewNaming(split(templates))
		if err != nil {
			t.Error(err)
			return
		}
		p, err := n.Parts(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			return
		}
		if got := show(p); got != want {
			t.Errorf("%q by %q: got %q, want %q", name, templates, got, want)
		}
	}
	f("", "a.b.c", "service=a.b.c")
	f("shop.* .role.host.service*", "shop.app.app3.http", "host=app3 service=http role=app")
	f("shop.* .role.host.service*", "shop.app.app3.http.get.ms", "host=app3 service=http.get.ms role=app")
	f("shop.* .role.host.service*", "shop", "service=shop")
	f("shop.* .role.host.service*", "shop.app", "role=app")
	f("shop.* .role.host.service*", "shops.app.app3.http", "service=shops.app.app3.http")
	f("servers.* .host.service*", "servers.db1.cpu.idle", "host=db1 service=cpu.idle")
	// without a pattern, and the first that matches
	f(".host.service", "a.b.c.d", "host=b service=c")
	f("a .host.service*|a.b host.service*", "a.b.c", "host=b service=c")
	f("a.x .host.service*|a.b host.service*", "a.b.c", "host=a service=b.c")
	f("*.b service.host", "a.b", "host=b service=a")
	// several parts of one name
	f("service.service.host", "a.b.c", "host=c service=a.b")
	f("service.host.service*", "a.b.c.d", "host=b service=a.c.d")
	f("host.host.service.host", "a.b.c.d", "host=a.b.d service=c")
	f("service..service", "..x", "service=.x")
	f("host*", "a.b.c", "host=a.b.c")
	f("host.*", "a.b.c", "host=a")
	f("zone.host.service*", "a..b", "host= service=b zone=a")
	// tags
	f("", "cpu.idle;host=db1;dc=x", "host=db1 service=cpu.idle dc=x")
	f(".host.service", "a.b.c;host=d", "host=d service=c")
	f("role.host.service", "a.b.c;role=d", "host=b service=c role=d")
	f("", "a;b=c;a=b;b=d", "service=a a=b b=d")
	f("", "a;b=c=d;;", "service=a b=c=d")
	f("", "a;b=", "service=a")
	f("", "a;state=x;service=y", "service=a tag_service=y tag_state=x")
	// bytes
	f("", "käse", "service=käse")
	f("", "k\xe4se", "service=k\ufffdse")
}

func split(templates string) []string {
	if templates == "" {
		return nil
	}
	return strings.Split(templates, "|")
}

func TestParts_Failure(t *testing.T) {
	n, err := NewNaming(nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, want error) {
		t.Helper()
		if p, err := n.Parts(name); err != want {
			t.Errorf("%q: got %q and error %v, want %v", name, show(p), err, want)
		}
	}
	f("", errNoName)
	f(";a=b", errNoName)
	f("a\x00b", errControl)
	f("a\x1b[31m", errControl)
	f("a\x7f", errControl)
	f("a;b", ErrTagWithout)
	f("a;=b", ErrTagWithout)
	many := "a"
	for i := range maxTags + 1 {
		many += fmt.Sprintf(";k%d=v", i)
	}
	f(many, errTooManyTags)
}

func TestNewNaming_Failure(t *testing.T) {
	f := func(template, want string) {
		t.Helper()
		_, err := NewNaming([]string{"host.service", template})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("%q", template)) {
			t.Errorf("%q: got error %v, want it to quote that and say %q", template, err, want)
		}
	}
	f("", "got 0 words")
	f("a b c", "got 3 words")
	f("a..b host", `the part "" of the pattern "a..b" is neither a name nor *`)
	f("app* host", `the part "app*" of the pattern`)
	f("host*.service", `"host*" takes the rest of the name, so it must be the last part`)
	f("ho*st", `"ho*st" is not a name`)
	f("host.sérvice", `"sérvice" is not a name`)
	f("host.metric", `"metric" is a field of every event`)
	f("..", "names no part")
	f("*", "names no part")
}

func TestPartsShareTheName(t *testing.T) {
	n, err := NewNaming([]string{"shop.* .role.host.service*"})
	if err != nil {
		t.Fatal(err)
	}
	name := "shop.app.app3.http.get"
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := n.Parts(name); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 1 { // the slice of the attribute
		t.Errorf("Parts allocates %v times, want 1", allocs)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("shop.* .role.host.service*", "shop.app.app3.http.get;a=b")
	f.Add("service.host.service*", "a.b.c.d")
	f.Add(".host.*", "..")
	f.Add("* a.a.b.a", "x.y.z.w;host=é")
	f.Fuzz(func(t *testing.T, template, name string) {
		n, err := NewNaming([]string{template})
		if err != nil {
			return
		}
		p, err := n.Parts(name)
		if err != nil {
			return
		}
		path, _, _ := strings.Cut(strings.ToValidUTF8(name, "\ufffd"), ";")
		if !n.templates[0].matches(path) && p.Service != path {
			t.Errorf("%q does not match %q, but the service is %q", template, name, p.Service)
		}
		if !slices.IsSortedFunc(p.Attrs, func(a, b engine.Attr) int { return strings.Compare(a.Key, b.Key) }) {
			t.Errorf("the attributes %v are not sorted", p.Attrs)
		}
		length := len(p.Host) + len(p.Service)
		for _, a := range p.Attrs {
			length += len(a.Value)
			if !utf8.ValidString(a.Value) {
				t.Errorf("the attribute %q is not UTF-8", a.Value)
			}
		}
		if length > len(strings.ToValidUTF8(name, "\ufffd")) {
			t.Errorf("%q makes more than itself: %s", name, show(p))
		}
	})
}
