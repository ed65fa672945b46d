package rules

import (
	"cmp"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"tocsin/engine"
	"tocsin/plugins"
)

// Settings are what settings { … } said; the engine has them already.
type Settings struct {
	// TTL, Forget, Skew and Identities are those of engine.Options; 0 when not
	// given.
	TTL, Forget, Skew time.Duration
	Identities        int
	// AutoIndex restricts which events are indexed; nil: all.
	AutoIndex engine.Predicate
	// HTTP is the address to listen on, as "host:port"; "": none. Unless given,
	// it is DefaultHTTP.
	HTTP string
	// RuleTimeout is how long Lua may run for at a time (1 s).
	RuleTimeout time.Duration
	// RuleMemory is how many MiB a call into Lua may take (64).
	RuleMemory int
	// Store is the file that checkpoints are kept in, Journal the folder of what
	// has come in since; "": none. JournalKeep is how long the journal keeps what
	// no checkpoint needs (24 h), JournalSize how many MiB it has at most then; 0:
	// any number.
	Store, Journal string
	JournalKeep    time.Duration
	JournalSize    int
}

// DefaultHTTP is where the HTTP interface listens unless settings.http says
// otherwise.
const DefaultHTTP = "127.0.0.1:5580"

// settingsOptions are what settings { … } takes.
type settingsOptions struct {
	TTL         time.Duration `opt:"ttl"`
	Forget      time.Duration `opt:"forget"`
	Skew        time.Duration `opt:"skew"`
	Identities  int           `opt:"identities"`
	AutoIndex   any           `opt:"auto_index"`
	HTTP        string        `opt:"http"`
	RuleTimeout time.Duration `opt:"rule_timeout"`
	RuleMemory  int           `opt:"rule_memory"`
	Store       string        `opt:"store"`
	Journal     string        `opt:"journal"`
	JournalKeep time.Duration `opt:"journal_keep"`
	JournalSize int           `opt:"journal_size"`
}

// settings is settings { … }.
func (c *Config) settings(L *lua.LState) int {
	a := &args{config: c, L: L, name: "settings"}
	c.drawable(L, c.main)
	a.atMost(1)
	if c.settingsPos != "" {
		a.fail("there are settings already, at %s; a configuration has them once", c.settingsPos)
	}
	c.settingsPos = pos(L)
	t, err := options(a.table(1, "a table of settings"), c.settingsPos)
	a.optionError(err)
	o := settingsOptions{HTTP: DefaultHTTP}
	a.optionError(plugins.Decode(t, &o))
	for _, name := range []string{"ttl", "forget", "skew", "identities", "rule_timeout", "rule_memory", "journal_keep", "journal_size"} {
		if n, given := t.Fields[name].(float64); given && n <= 0 {
			a.fail("option %q must be above 0", name)
		}
	}
	if o.RuleMemory > maxRuleMemory {
		a.fail("option \"rule_memory\" is in MiB and at most %d", maxRuleMemory)
	}
	if o.HTTP != "" {
		_, port, err := net.SplitHostPort(o.HTTP)
		if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
			a.fail(`option "http": %q is not an address; write it as "host:port"`, o.HTTP)
		}
	}
	if o.Journal != "" && o.Store == "" {
		a.fail(`option "journal" needs "store": the journal has what came in after the last checkpoint in the store`)
	}
	if o.JournalKeep != 0 && o.Journal == "" {
		a.fail(`option "journal_keep" needs "journal"`)
	}
	if o.JournalSize != 0 && o.Journal == "" {
		a.fail(`option "journal_size" needs "journal"`)
	}
	s := Settings{
		TTL: o.TTL, Forget: o.Forget, Skew: o.Skew, Identities: o.Identities, HTTP: o.HTTP,
		RuleTimeout: cmp.Or(o.RuleTimeout, defaultRuleTimeout), RuleMemory: cmp.Or(o.RuleMemory, defaultRuleMemory),
		Store: c.path(L, o.Store), Journal: c.path(L, o.Journal), JournalKeep: cmp.Or(o.JournalKeep, defaultJournalKeep), JournalSize: o.JournalSize,
	}
	if o.AutoIndex != nil {
		s.AutoIndex = a.predicateOption("auto_index", o.AutoIndex)
	}
	c.Settings = s
	c.watch.limit.Store(int64(s.RuleTimeout))
	c.Engine.Configure(engine.Options{
		TTL: s.TTL, Forget: s.Forget, Skew: s.Skew, Identities: s.Identities, AutoIndex: s.AutoIndex,
	})
	return 0
}

// defaultJournalKeep is settings.journal_keep unless it is given.
const defaultJournalKeep = 24 * time.Hour

// path returns where a file is that a rules file names: relative to the file
// that the call stands in.
func (c *Config) path(L *lua.LState, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.folder(L), name)
}

// secret is secret "NAME".
func (c *Config) secret(L *lua.LState) int {
	a := &args{config: c, L: L, name: "secret"}
	a.atMost(1)
	name := a.text(1, "the name of a secret")
	if name == "" || strings.ContainsAny(name, "/\\=\x00") {
		a.fail("%q is not the name of a secret", name)
	}
	value := ""
	if c.opts.Secret != nil {
		var ok bool
		if value, ok = c.opts.Secret(name); !ok {
			a.fail("there is no secret %q: set the environment variable, or put a file of that name into the credentials directory", name)
		}
	}
	L.Push(c.value(plugins.NewSecret(name, value), c.types.secret))
	return 1
}

func secretToString(L *lua.LState) int {
	if data, ok := L.Get(1).(*lua.LUserData); ok {
		if s, ok := data.Value.(plugins.Secret); ok {
			L.Push(lua.LString(s.String()))
			return 1
		}
	}
	L.Push(lua.LString("secret"))
	return 1
}

// maxSecret bounds the file of a secret, in bytes.
const maxSecret = 64 << 10

// EnvironmentSecret returns the value of the environment variable, or what the
// file of that name in the credentials directory ($CREDENTIALS_DIRECTORY)
// holds, without the line end. It is what Options.Secret is in production.
func EnvironmentSecret(name string) (string, bool) {
	if value, ok := os.LookupEnv(name); ok {
		return value, true
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" || !filepath.IsLocal(name) {
		return "", false
	}
	path := filepath.Join(dir, name)
	if info, err := os.Stat(path); err != nil || info.Size() > maxSecret {
		return "", false
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	return strings.TrimRight(string(data), "\r\n"), true
}
