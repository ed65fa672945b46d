package collectd

import (
	"log/slog"
	"strings"
	"testing"

	vm "github.com/VictoriaMetrics/metrics"

	"tocsin/plugins"
)

func TestOptions(t *testing.T) {
	table := func(fields map[string]any, list ...any) *plugins.Table {
		return &plugins.Table{Pos: "x.lua:3", Fields: fields, List: list}
	}
	type options = map[string]any
	for _, c := range []struct {
		options options
		want    string // of the error; "" for none
	}{
		{options{}, ""},
		{options{"listen": "0.0.0.0:25826", "security": "encrypt", "users": "/etc/tocsin/auth", "rates": false, "ttl_factor": 3.5}, ""},
		{options{"security": "sign", "users": table(options{"alice": plugins.NewSecret("A", "x"), "bob": "y"})}, ""},
		{options{"multicast": "239.192.74.66", "interface": "eth0"}, ""},
		{options{"multicast": "ff18::efc0:4a42"}, ""},
		{options{"types_db": table(nil, "a.db", "b.db")}, ""},
		{options{"listne": "x"}, `unknown option "listne"; did you mean "listen"?`},
		{options{"listen": "25826"}, `option "listen": expected ADDRESS:PORT, got "25826"`},
		{options{"security": "signed"}, `option "security": expected "none", "sign" or "encrypt", got "signed"; did you mean "sign"?`},
		{options{"security": "sign"}, `option "users" is missing: security = "sign" needs passwords`},
		{options{"users": 7.0}, `option "users": expected the path of a file of "user: password" lines, or a table such as { alice = secret "NAME" }`},
		{options{"users": plugins.NewSecret("A", "x")}, `option "users": expected the path`},
		{options{"users": table(nil, "alice")}, `option "users": expected the path`},
		{options{"users": table(nil)}, `option "users": expected the path`},
		{options{"users": ""}, `option "users": the path of the file is empty`},
		{options{"users": table(options{"alice": 7.0})}, `option "users": the password of "alice": expected a string or secret "NAME"`},
		{options{"multicast": "10.0.0.1"}, `option "multicast": expected the address of a group, such as "239.192.74.66", got "10.0.0.1"`},
		{options{"interface": "eth0"}, `option "interface": only used with "multicast"`},
		{options{"ttl_factor": 0.0}, `option "ttl_factor": expected a number above 0, got 0`},
		{options{"types_db": "a.db"}, `option "types_db": expected a list`},
	} {
		env := plugins.Env{Name: "net", Logger: slog.New(slog.DiscardHandler), Metrics: vm.NewSet()}
		_, err := plugins.NewSource("collectd", env, table(c.options))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%v: %v", c.options, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "x.lua:3: source.collectd: "+c.want)):
			t.Errorf("%v: got %v, want %s", c.options, err, c.want)
		}
	}
}
