package engine

import (
	"crypto/sha256"
	"encoding/hex"
)

// ID returns what tells the message from others that the sink of that name is
// given: 32 hexadecimal digits, made of what its events say. It is the same when
// the message is sent again, even by another run of the program that served the
// same input, so a receiver can drop what came twice.
func (m *Message) ID(sink string) string {
	buf := appendText(nil, sink)
	if m.List {
		buf = append(buf, 1)
	}
	for i := range m.Events {
		buf = AppendEvent(buf, &m.Events[i], 0)
	}
	sum := sha256.Sum256(buf)
	return hex.EncodeToString(sum[:16])
}
