package collectd

// Problem is a reason why a part of the input made no event, or made one that
// is less than it could be.
type Problem uint8

// The problems. The first group costs the rest of the datagram (Insecure: the
// parts that are), the second one value or one notification, the third nothing.
const (
	// Truncated: the datagram ends within a part.
	Truncated Problem = iota
	// Malformed: a part breaks the rules of the format.
	Malformed
	// Insecure: parts are less secure than asked for.
	Insecure
	// UnknownUser: signed or encrypted by a user of whom there is no password.
	UnknownUser
	// BadSignature: the signature does not match.
	BadSignature
	// BadChecksum: decrypting gave nonsense, as with a wrong password.
	BadChecksum

	// NaN: a gauge is not a number.
	NaN
	// First: there is no earlier value to make a rate from.
	First
	// Old: a counter is not newer than the last one: repeated or replayed.
	Old
	// Incomplete: values without host, plugin, type or time, or a notification
	// without time or text.
	Incomplete
	// UnknownSeverity: a notification's severity is none of the three.
	UnknownSeverity
	// TooMany: the bound on identities is reached.
	TooMany

	// UnknownType: types.db does not have the type, or has it with another
	// number of data sources, so these are named by their position.
	UnknownType

	problems int = iota
)

// String is the problem's name in metrics and in the log.
func (p Problem) String() string {
	return [problems]string{
		"truncated", "malformed", "insecure", "unknown_user", "bad_signature", "bad_checksum",
		"nan", "first", "old", "incomplete", "unknown_severity", "identities",
		"unknown_type",
	}[p]
}

// ordinary reports whether the problem is part of normal work, and so is
// counted, but never logged.
func (p Problem) ordinary() bool { return p == NaN || p == First }
