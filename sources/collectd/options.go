package collectd

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
)

// Options are the options of source.collectd.
type Options struct {
	Listen    string   `opt:"listen"`
	Security  string   `opt:"security"`
	Users     any      `opt:"users"`
	Multicast string   `opt:"multicast"`
	Interface string   `opt:"interface"`
	TypesDB   []string `opt:"types_db"`
	Rates     bool     `opt:"rates"`
	TTLFactor float64  `opt:"ttl_factor"`
}

// Defaults returns the options that a rules file need not give.
func Defaults() Options {
	return Options{Listen: "127.0.0.1:25826", Security: "none", Rates: true, TTLFactor: 2}
}

func init() {
	plugins.RegisterSource("collectd", Defaults(), func(env plugins.Env, o Options) (engine.Source, error) {
		return New(env, o)
	})
}

// authInterval is how often an AuthFile is looked at for changes.
const authInterval = time.Second

// New checks the options and makes the source. It opens nothing and reads no
// file.
func New(env plugins.Env, o Options) (*Source, error) {
	s := &Source{logger: env.Logger, dir: env.Dir, options: o, metrics: newMeters(env)}
	var err error
	if _, _, err = net.SplitHostPort(o.Listen); err != nil {
		return nil, fmt.Errorf(`option "listen": expected ADDRESS:PORT, got %q`, o.Listen)
	}
	if s.security, err = parseSecurity(o.Security); err != nil {
		return nil, err
	}
	if err := s.setUsers(env, o.Users); err != nil {
		return nil, fmt.Errorf(`option "users": %w`, err)
	}
	if s.security != None && o.Users == nil {
		return nil, fmt.Errorf(`option "users" is missing: security = %q needs passwords`, o.Security)
	}
	if o.Multicast != "" {
		if s.group, err = netip.ParseAddr(o.Multicast); err != nil || !s.group.IsMulticast() {
			return nil, fmt.Errorf(`option "multicast": expected the address of a group, such as "239.192.74.66", got %q`, o.Multicast)
		}
	} else if o.Interface != "" {
		return nil, errors.New(`option "interface": only used with "multicast"`)
	}
	if o.TTLFactor <= 0 {
		return nil, fmt.Errorf(`option "ttl_factor": expected a number above 0, got %v`, o.TTLFactor)
	}
	return s, nil
}

func parseSecurity(text string) (Security, error) {
	switch text {
	case "none":
		return None, nil
	case "sign":
		return Sign, nil
	case "encrypt":
		return Encrypt, nil
	}
	return 0, fmt.Errorf(`option "security": expected "none", "sign" or "encrypt", got %q%s`,
		text, plugins.DidYouMean(text, []string{"none", "sign", "encrypt"}))
}

// setUsers takes the path of a file, or a table of passwords.
func (s *Source) setUsers(env plugins.Env, users any) error {
	switch users := users.(type) {
	case nil:
		return nil
	case string:
		if users == "" {
			return errors.New("the path of the file is empty")
		}
		s.authFile = &authFile{path: inDir(env.Dir, users), every: authInterval}
		return nil
	case *plugins.Table:
		if len(users.List) > 0 || len(users.Fields) == 0 {
			break
		}
		s.passwords = make(map[string]plugins.Secret)
		for _, name := range slices.Sorted(maps.Keys(users.Fields)) {
			switch password := users.Fields[name].(type) {
			case plugins.Secret:
				s.passwords[name] = password
			case string:
				s.passwords[name] = plugins.NewSecret("", password)
			default:
				return fmt.Errorf(`the password of %q: expected a string or secret "NAME"`, name)
			}
		}
		return nil
	}
	return errors.New(`expected the path of a file of "user: password" lines, or a table such as { alice = secret "NAME" }`)
}

func inDir(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
