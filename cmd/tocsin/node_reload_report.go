package main

import (
	"fmt"
	"maps"
	"slices"

	"tocsin/rules"
)

// describe says what has changed, a line for each source, sink, rule and
// setting.
func (c *change) describe(dropped int) []string {
	lines := differences("source", sourcesOf(c.from), sourcesOf(c.to), func(name string) bool {
		return slices.ContainsFunc(c.sources.kept, func(k keptSource) bool { return k.source.Name == name })
	})
	lines = append(lines, differences("sink", sinksOf(c.from), sinksOf(c.to), func(name string) bool {
		return c.from.outlets[name] == c.to.outlets[name]
	})...)
	lines = append(lines, differences("rule", c.from.Rules(), c.to.Rules(), func(string) bool { return true })...)
	before, after := settingsOf(c.from), settingsOf(c.to)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, is := before[name], after[name]; was != is {
			lines = append(lines, fmt.Sprintf("settings.%s is %s, was %s", name, is, was))
		}
	}
	if dropped > 0 {
		lines = append(lines, "dropped: "+counted(dropped, "piece")+" of state")
	}
	if len(lines) == 0 {
		lines = append(lines, "no source, sink, rule or setting has come or gone")
	}
	return lines
}

// differences compares what is declared, as places by names, before and after.
func differences(what string, before, after map[string]string, same func(name string) bool) (lines []string) {
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, known := before[name]; !known {
			lines = append(lines, fmt.Sprintf("%s %s is new (%s)", what, name, after[name]))
		} else if !same(name) {
			lines = append(lines, fmt.Sprintf("%s %s is opened anew (%s)", what, name, after[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, stays := after[name]; !stays {
			lines = append(lines, fmt.Sprintf("%s %s is gone", what, name))
		}
	}
	return lines
}

func sourcesOf(c *configuration) map[string]string {
	places := make(map[string]string)
	for _, s := range c.Sources {
		places[s.Name] = s.Pos
	}
	return places
}

func sinksOf(c *configuration) map[string]string {
	places := make(map[string]string)
	for _, s := range c.Sinks {
		places[s.Name] = s.Pos
	}
	return places
}

// settingsOf returns the settings that a reload changes, as text.
func settingsOf(c *configuration) map[string]string {
	s := c.Settings
	return map[string]string{
		"ttl": given(s.TTL), "forget": given(s.Forget), "skew": given(s.Skew), "identities": given(s.Identities),
		"rule_timeout": given(s.RuleTimeout), "rule_memory": given(s.RuleMemory),
	}
}

func given[T comparable](value T) string {
	var none T
	if value == none {
		return "the default"
	}
	return fmt.Sprint(value)
}

// forRestart returns the settings that hold from the start to the end, as text.
func forRestart(s *rules.Settings) map[string]string {
	all := map[string]string{"http": s.HTTP, "store": s.Store, "journal": s.Journal}
	if s.Journal != "" {
		all["journal_keep"], all["journal_size"] = s.JournalKeep.String(), fmt.Sprint(s.JournalSize, " MiB")
	}
	return all
}

// warnings says which settings have changed that a reload cannot change.
func (c *change) warnings() (lines []string) {
	after := forRestart(&c.to.Settings)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if was, known := c.node.launched[name]; known && was != after[name] {
			lines = append(lines, fmt.Sprintf("settings.%s needs a restart: it is %q until then, not %q", name, was, after[name]))
		}
	}
	return lines
}
