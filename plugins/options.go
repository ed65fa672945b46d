package plugins

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"tocsin/engine"
)

// Table is a table of options as a rules file gave it. Values are string,
// float64, bool, Secret, *Table, or (for options of type any) what the
// rules package makes of anything else.
type Table struct {
	// Pos is where the table stands, as "FILE:LINE".
	Pos    string
	Fields map[string]any
	// List holds the values that stand without a key.
	List []any
}

// Equal reports whether both have the same options, wherever they stand.
// Secrets are compared by their values; values that are of the rules package
// are not equal to any.
func (t *Table) Equal(other *Table) bool {
	return maps.EqualFunc(t.Fields, other.Fields, equalValues) && slices.EqualFunc(t.List, other.List, equalValues)
}

func equalValues(a, b any) bool {
	switch a := a.(type) {
	case string, float64, bool:
		return a == b
	case Secret:
		b, ok := b.(Secret)
		return ok && a.value == b.value
	case *Table:
		b, ok := b.(*Table)
		return ok && a.Equal(b)
	}
	return false
}

// OptionError is a mistake in a table of options.
type OptionError struct {
	Pos  string // "FILE:LINE"
	What string // "source.graphite"
	Err  error
}

func (e *OptionError) Error() string {
	if e.What == "" {
		return fmt.Sprintf("%s: %v", e.Pos, e.Err)
	}
	return fmt.Sprintf("%s: %s: %v", e.Pos, e.What, e.Err)
}

func (e *OptionError) Unwrap() error { return e.Err }

// Decode fills the struct that into points to from t. A field takes part when
// it has a tag such as `opt:"listen"` or `opt:"path,required"`; what t does not
// name keeps the value it has. The types are string, bool, int, float64,
// time.Duration (in seconds), []string, []float64, map[string]string, Secret,
// *Table and any. An unknown key, a wrong type or a missing key is an
// *OptionError.
func Decode(t *Table, into any) error {
	v := reflect.ValueOf(into).Elem()
	names := optionNames(v.Interface())
	fail := func(format string, args ...any) error {
		return &OptionError{Pos: t.Pos, Err: fmt.Errorf(format, args...)}
	}
	if len(t.List) > 0 {
		return fail("a value without a name; write it as one of %s", strings.Join(names, ", "))
	}
	for _, key := range sortedKeys(t.Fields) {
		if !slices.Contains(names, key) {
			return fail("unknown option %q%s", key, DidYouMean(key, names))
		}
	}
	for i := range v.NumField() {
		name, required, ok := optionTag(v.Type().Field(i))
		if !ok {
			continue
		}
		value, given := t.Fields[name]
		if !given {
			if required {
				return fail("option %q is missing", name)
			}
			continue
		}
		if err := assign(v.Field(i), value); err != nil {
			return fail("option %q: %w", name, err)
		}
	}
	return nil
}

func optionTag(f reflect.StructField) (name string, required, ok bool) {
	name, rest, _ := strings.Cut(f.Tag.Get("opt"), ",")
	return name, rest == "required", name != ""
}

func optionNames(o any) []string {
	var names []string
	t := reflect.TypeOf(o)
	for i := range t.NumField() {
		if name, _, ok := optionTag(t.Field(i)); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

var durationType = reflect.TypeFor[time.Duration]()

func assign(field reflect.Value, value any) error {
	if field.Kind() == reflect.Interface {
		field.Set(reflect.ValueOf(value))
		return nil
	}
	if v := reflect.ValueOf(value); v.Type() == field.Type() && field.Kind() != reflect.Float64 {
		field.Set(v)
		return nil
	}
	switch value := value.(type) {
	case string:
		if field.Type() == reflect.TypeFor[Secret]() {
			field.Set(reflect.ValueOf(NewSecret("", value)))
			return nil
		}
	case float64:
		switch {
		case math.IsNaN(value) || math.IsInf(value, 0):
		case field.Type() == durationType:
			field.SetInt(int64(engine.Seconds(value)))
			return nil
		case field.Kind() == reflect.Float64:
			field.SetFloat(value)
			return nil
		case field.Kind() == reflect.Int && value == math.Trunc(value) && math.Abs(value) < 1<<53:
			field.SetInt(int64(value))
			return nil
		}
	case *Table:
		return assignTable(field, value)
	}
	return fmt.Errorf("expected %s, got %s", typeName(field.Type()), valueName(value))
}

func assignTable(field reflect.Value, t *Table) error {
	switch field.Kind() {
	case reflect.Slice:
		if len(t.Fields) > 0 {
			break
		}
		out := reflect.MakeSlice(field.Type(), len(t.List), len(t.List))
		for i, value := range t.List {
			if err := assign(out.Index(i), value); err != nil {
				return fmt.Errorf("element %d: %w", i+1, err)
			}
		}
		field.Set(out)
		return nil
	case reflect.Map:
		if len(t.List) > 0 {
			break
		}
		out := reflect.MakeMap(field.Type())
		for _, key := range sortedKeys(t.Fields) {
			value := reflect.New(field.Type().Elem()).Elem()
			if err := assign(value, t.Fields[key]); err != nil {
				return fmt.Errorf("key %q: %w", key, err)
			}
			out.SetMapIndex(reflect.ValueOf(key), value)
		}
		field.Set(out)
		return nil
	}
	return fmt.Errorf("expected %s, got a table", typeName(field.Type()))
}

func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a number of seconds"
	case t == reflect.TypeFor[Secret]():
		return `a string or secret "NAME"`
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list, as in { … }, each " + typeName(t.Elem())
	case reflect.Map:
		return "a table of names, each " + typeName(t.Elem())
	}
	return "a table"
}

func valueName(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %q", v)
	case float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprintf("%v", v)
	case Secret:
		return "a secret"
	case *Table:
		return "a table"
	}
	return "a function or other value"
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
