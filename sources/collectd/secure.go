package collectd

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/binary"
)

// The sizes of the two parts without user name and payload, header included.
const (
	signatureSize  = headerSize + 32
	encryptionSize = headerSize + 2 + 16 + sha1.Size
)

// signed checks the signature in part, which is 32 bytes of HMAC-SHA256 over
// the user's name and the rest of the datagram, and the name; then it takes the
// rest.
func (d *Decoder) signed(part, rest []byte, have Security, depth int) {
	if len(part) <= signatureSize-headerSize || depth == maxNesting {
		d.problem(Malformed, nil)
		return
	}
	want, name := part[:32], part[32:]
	u := d.users[string(name)]
	if u == nil {
		d.problem(UnknownUser, name)
		return
	}
	u.mac.Reset()
	u.mac.Write(name)
	u.mac.Write(rest)
	if !hmac.Equal(u.mac.Sum(d.hash[:0]), want) {
		d.problem(BadSignature, name)
		return
	}
	d.parts(rest, max(have, Sign), depth+1)
}

// encrypted decrypts part in its place, and takes the parts within. It is the
// user's name with its length in 16 bits, a start value of 16 bytes, and by
// AES-256 in OFB mode the SHA-1 of the payload and the payload. It reports
// whether it could.
func (d *Decoder) encrypted(part []byte, have Security, depth int) bool {
	if len(part) <= encryptionSize-headerSize || depth == maxNesting {
		d.problem(Malformed, nil)
		return false
	}
	length := int(binary.BigEndian.Uint16(part))
	if length == 0 || length >= len(part)-(encryptionSize-headerSize) {
		d.problem(Malformed, nil)
		return false
	}
	name, part := part[2:2+length], part[2+length:]
	u := d.users[string(name)]
	if u == nil {
		d.problem(UnknownUser, name)
		return false
	}
	copy(d.stream[:], part)
	part = part[len(d.stream):]
	for data := part; len(data) > 0; {
		u.block.Encrypt(d.stream[:], d.stream[:])
		data = data[subtle.XORBytes(data, data, d.stream[:]):]
	}
	payload := part[sha1.Size:]
	if sum := sha1.Sum(payload); subtle.ConstantTimeCompare(sum[:], part[:sha1.Size]) != 1 {
		d.problem(BadChecksum, name)
		return false
	}
	d.parts(payload, max(have, Encrypt), depth+1)
	return true
}
