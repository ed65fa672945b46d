package plugins

import "reflect"

// Option is one option of a kind of source or sink.
type Option struct {
	Name string
	// Type is that of the field which Decode fills.
	Type     reflect.Type
	Required bool
	// Default is the value when the option is not given; for a Secret it is
	// always the zero value.
	Default any
}

// SourceOptions returns the options of a kind of source, in the order of its
// struct; nil when there is no such kind.
func SourceOptions(name string) []Option { sealed.Store(true); return sources[name].options }

// SinkOptions is SourceOptions for sinks.
func SinkOptions(name string) []Option { sealed.Store(true); return sinks[name].options }

// optionsOf describes the struct of a kind's defaults.
func optionsOf(defaults any) []Option {
	var out []Option
	v := reflect.ValueOf(defaults)
	for i := range v.NumField() {
		name, required, ok := optionTag(v.Type().Field(i))
		if !ok {
			continue
		}
		o := Option{Name: name, Type: v.Type().Field(i).Type, Required: required, Default: v.Field(i).Interface()}
		if o.Type == reflect.TypeFor[Secret]() {
			o.Default = Secret{}
		}
		out = append(out, o)
	}
	return out
}
