package engine

import "strconv"

// ParseNumber reads a text as a decimal number, as queries and index sets do
// with attributes. NaN, infinities and hexadecimal are no numbers here.
func ParseNumber(s string) (float64, bool) {
	if s == "" || len(s) > 64 {
		return 0, false
	}
	if !looksNumeric(s) {
		return 0, false // most texts; ParseFloat would allocate its error
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// looksNumeric checks the form: sign, digits with at most one point, exponent.
func looksNumeric(s string) bool {
	i, digits, points := 0, 0, 0
	if s[0] == '+' || s[0] == '-' {
		i++
	}
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c == '.' && points == 0:
			points++
		case (c == 'e' || c == 'E') && digits > 0:
			return len(s) > i+1
		default:
			return false
		}
	}
	return digits > 0
}
