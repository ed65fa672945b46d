package plugins

import "log/slog"

// Secret is a string that does not print.
type Secret struct {
	name  string
	value string
}

// NewSecret makes a secret. name is what it prints as; it may be "".
func NewSecret(name, value string) Secret { return Secret{name, value} }

// Reveal returns the secret's value; "" when it was made without one, as
// "tocsin test" does. Never log or wrap what it returns.
func (s Secret) Reveal() string { return s.value }

// String names the secret, never its value.
func (s Secret) String() string {
	if s.name == "" {
		return "secret"
	}
	return "secret " + s.name
}

// GoString is String, so that %#v does not print the value.
func (s Secret) GoString() string { return s.String() }

// LogValue is String, for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that no encoder prints the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
