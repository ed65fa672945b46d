package valuelist

import "tocsin/engine"

// Name is what collectd calls a value list or a notification, besides its host.
// The instances may be empty; of a notification, all may be.
type Name struct{ Plugin, PluginInstance, Type, TypeInstance string }

// Service joins plugin[-instance]/type[-instance], without what is missing.
func (n Name) Service() string {
	plugin, typ := n.Plugin, n.Type
	if n.PluginInstance != "" {
		plugin += "-" + n.PluginInstance
	}
	if n.TypeInstance != "" {
		typ += "-" + n.TypeInstance
	}
	if plugin == "" || typ == "" {
		return plugin + typ
	}
	return plugin + "/" + typ
}

// ServiceOf returns the service of one of n values: with its name behind it if
// there are several.
func (n Name) ServiceOf(source DataSource, values int) string {
	if values == 1 {
		return n.Service()
	}
	return n.Service() + "/" + source.Name
}

// Attrs returns the attributes that are not empty, in the order of their keys.
func (n Name) Attrs() []engine.Attr { return n.appendAttrs(nil) }

// AttrsOf returns the attributes of one value.
func (n Name) AttrsOf(source DataSource) []engine.Attr {
	attrs := []engine.Attr{{Key: "ds_name", Value: source.Name}}
	if source.Kind != "" {
		attrs = append(attrs, engine.Attr{Key: "ds_type", Value: source.Kind})
	}
	return n.appendAttrs(attrs)
}

func (n Name) appendAttrs(to []engine.Attr) []engine.Attr {
	for _, a := range [...]engine.Attr{
		{Key: "plugin", Value: n.Plugin}, {Key: "plugin_instance", Value: n.PluginInstance},
		{Key: "type", Value: n.Type}, {Key: "type_instance", Value: n.TypeInstance},
	} {
		if a.Value != "" {
			to = append(to, a)
		}
	}
	return to
}
