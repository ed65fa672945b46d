package rules

import (
	"cmp"
	"maps"
	"slices"
)

// Since returns what was done since an earlier reading, the longest time first.
// Groups and quarantines are as they are now.
func (u *Usage) Since(before *Usage) []RuleUsage {
	type key struct {
		kind UsageKind
		name string
	}
	rules := make(map[key]UsageCounts)
	operators := make(map[string]OperatorUsage)
	for i := range before.Rules {
		r := &before.Rules[i]
		rules[key{r.Kind, r.Name}] = r.UsageCounts
		for _, o := range r.Operators {
			operators[o.Path] = o
		}
	}
	out := slices.Clone(u.Rules)
	for i := range out {
		r := &out[i]
		r.take(rules[key{r.Kind, r.Name}])
		r.Operators = slices.Clone(r.Operators)
		for i := range r.Operators {
			r.Operators[i].take(operators[r.Operators[i].Path])
		}
	}
	sortUsage(out)
	return out
}

// take takes off what was done before. What is less than before has begun anew.
func (u *UsageCounts) take(before UsageCounts) {
	if u.In < before.In || u.Out < before.Out || u.Errors < before.Errors || u.Seconds < before.Seconds {
		return
	}
	u.In -= before.In
	u.Out -= before.Out
	u.Errors -= before.Errors
	u.Seconds -= before.Seconds
}

// take takes off what an operator did before.
func (o *OperatorUsage) take(before OperatorUsage) {
	if o.Out >= before.Out && o.Outs != nil {
		o.Outs = maps.Clone(o.Outs)
		for name, n := range before.Outs {
			o.Outs[name] -= min(n, o.Outs[name])
		}
	}
	o.UsageCounts.take(before.UsageCounts)
}

func sortUsage(list []RuleUsage) {
	slices.SortStableFunc(list, func(a, b RuleUsage) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Name, b.Name))
	})
}
