package query

import "strings"

// wildcardMatcher returns a function that tells whether a whole text is like
// the pattern, in which each % stands for any run of characters, also none.
func wildcardMatcher(pattern string) func(string) bool {
	parts := strings.Split(pattern, "%")
	if len(parts) == 1 {
		return func(s string) bool { return s == pattern }
	}
	prefix, suffix := parts[0], parts[len(parts)-1]
	var inner []string
	for _, part := range parts[1 : len(parts)-1] {
		if part != "" {
			inner = append(inner, part)
		}
	}
	switch {
	case len(inner) == 0 && suffix == "":
		return func(s string) bool { return strings.HasPrefix(s, prefix) }
	case len(inner) == 0 && prefix == "":
		return func(s string) bool { return strings.HasSuffix(s, suffix) }
	case len(inner) == 1 && prefix == "" && suffix == "":
		return func(s string) bool { return strings.Contains(s, inner[0]) }
	}
	return func(s string) bool {
		if len(s) < len(prefix)+len(suffix) || !strings.HasPrefix(s, prefix) || !strings.HasSuffix(s, suffix) {
			return false
		}
		s = s[len(prefix) : len(s)-len(suffix)]
		// Taking the first place for each part leaves the most to the others.
		for _, part := range inner {
			i := strings.Index(s, part)
			if i < 0 {
				return false
			}
			s = s[i+len(part):]
		}
		return true
	}
}
