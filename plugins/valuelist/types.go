package valuelist

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// builtinTypes is the types.db of collectd 5.12.0.
//
//go:embed types.db
var builtinTypes string

// Types says which data sources the values of a type are: what collectd's
// types.db(5) says. It is immutable once it is in use.
type Types struct {
	sources map[string][]DataSource
}

// DataSource is one of the values of a type.
type DataSource struct {
	Name string
	// Kind is "gauge", "counter", "derive" or "absolute".
	Kind string
}

// BuiltinTypes returns the types that collectd comes with.
func BuiltinTypes() *Types {
	t := &Types{sources: make(map[string][]DataSource)}
	if err := t.Read(strings.NewReader(builtinTypes), "types.db"); err != nil {
		panic(err) // the embedded file is broken, which a test would show
	}
	return t
}

// ReadTypes returns the types that collectd comes with and those of more files,
// of which later ones win. A relative path starts at dir. Sources call it for
// their option types_db.
func ReadTypes(dir string, paths []string) (*Types, error) {
	t := BuiltinTypes()
	for _, path := range paths {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if err := t.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// ReadFile adds the types of the file at path. A type that is already there is
// replaced.
func (t *Types) ReadFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot read types: %w", err)
	}
	defer f.Close()
	return t.Read(f, path)
}

// Read adds the types that r holds. name is what errors call it.
func (t *Types) Read(r io.Reader, name string) error {
	lines := bufio.NewScanner(r)
	number := 0
	for lines.Scan() {
		number++
		if err := t.add(lines.Text()); err != nil {
			return fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s:%d: cannot read types: %w", name, number+1, err)
	}
	return nil
}

// add takes one line, such as
//
//	if_octets  rx:DERIVE:0:U, tx:DERIVE:0:U
func (t *Types) add(line string) error {
	line, _, _ = strings.Cut(line, "#")
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\r' })
	if len(words) == 0 {
		return nil
	}
	if len(words) == 1 {
		return fmt.Errorf("type %q has no data source", words[0])
	}
	var sources []DataSource
	for _, word := range words[1:] {
		source, err := parseDataSource(word)
		if err != nil {
			return fmt.Errorf("type %q: %w", words[0], err)
		}
		if slices.ContainsFunc(sources, func(s DataSource) bool { return s.Name == source.Name }) {
			return fmt.Errorf("type %q: data source %q is there twice", words[0], source.Name)
		}
		sources = append(sources, source)
	}
	t.sources[words[0]] = sources
	return nil
}

// parseDataSource reads one "name:TYPE:min:max". The limits are not kept: they
// are for rules to set.
func parseDataSource(word string) (s DataSource, err error) {
	part := strings.Split(word, ":")
	if len(part) != 4 || part[0] == "" {
		return s, fmt.Errorf("data source %q: expected name:TYPE:min:max", word)
	}
	switch strings.ToUpper(part[1]) {
	case "GAUGE", "COUNTER", "DERIVE", "ABSOLUTE":
	default:
		return s, fmt.Errorf("data source %q: expected GAUGE, COUNTER, DERIVE or ABSOLUTE, got %q", word, part[1])
	}
	for _, limit := range part[2:] {
		if _, err := strconv.ParseFloat(limit, 64); err != nil && limit != "U" {
			return s, fmt.Errorf("data source %q: expected a number or U as a limit, got %q", word, limit)
		}
	}
	return DataSource{Name: part[0], Kind: strings.ToLower(part[1])}, nil
}

// Of returns the n data sources of a type, and whether types.db told. Otherwise
// their names are their positions, and Kind is "".
func (t *Types) Of(typ string, n int) (sources []DataSource, known bool) {
	if sources := t.sources[typ]; len(sources) == n {
		return sources, true
	}
	if n == 1 {
		return []DataSource{{Name: "value"}}, false
	}
	sources = make([]DataSource, n)
	for i := range sources {
		sources[i].Name = strconv.Itoa(i)
	}
	return sources, false
}
