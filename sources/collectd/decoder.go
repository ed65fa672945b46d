package collectd

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	"tocsin/engine"
	"tocsin/plugins/valuelist"
)

// The types of parts.
const (
	partHost           = 0x0000
	partTime           = 0x0001
	partPlugin         = 0x0002
	partPluginInstance = 0x0003
	partType           = 0x0004
	partTypeInstance   = 0x0005
	partValues         = 0x0006
	partInterval       = 0x0007
	partTimeHR         = 0x0008
	partIntervalHR     = 0x0009
	partMessage        = 0x0100
	partSeverity       = 0x0101
	partSignature      = 0x0200
	partEncryption     = 0x0210
)

const (
	headerSize = 4 // type and length, which counts the header too
	numberSize = headerSize + 8

	// maxName and maxMessage bound what one series and one notification can
	// take of the memory. collectd itself has 128 and 256.
	maxName    = 256
	maxMessage = 4096

	// maxNesting bounds signed parts within encrypted parts and so on: each
	// level costs a pass over the rest of the datagram.
	maxNesting = 4
)

// Security is how well a datagram is protected against forgery.
type Security uint8

// The levels of security, each better than the one before.
const (
	None Security = iota
	Sign
	Encrypt
)

// DecoderOptions are what a Decoder goes by. Identities is required.
type DecoderOptions struct {
	// Identities is the table that new identities are interned into.
	Identities *engine.Identities
	// Types name the data sources; nil means those that collectd comes with.
	Types *valuelist.Types
	// Users check signatures and decrypt. When nil, a signature is passed over
	// unchecked, as collectd does.
	Users Users
	// Security is the least that is accepted.
	Security Security
	// Raw passes counters as they are, instead of as rates.
	Raw bool
	// TTLFactor is how many of its intervals a value lives; 0 gives no ttl.
	TTLFactor float64
	// Problem, when not nil, is told of each problem during Decode. detail is
	// the user or the type that it is about, or nil, and valid during the call.
	Problem func(p Problem, detail []byte)
}

// Decoder makes events of datagrams. It knows the last value of each counter,
// so the datagrams of one listener belong to one decoder, in the order in which
// they came. It must be used on one goroutine.
type Decoder struct {
	types      *valuelist.Types
	users      Users
	security   Security
	raw        bool
	ttlFactor  float64
	problem    func(Problem, []byte)
	identities *engine.Identities
	table      table

	batch *engine.Batch
	full  func(*engine.Batch) *engine.Batch

	key    []byte   // scratch: what a kind is found by
	hash   [32]byte // scratch: an HMAC
	stream [16]byte // scratch: a block of the key stream
}

// NewDecoder returns a decoder that has seen nothing yet.
func NewDecoder(o DecoderOptions) *Decoder {
	if o.Types == nil {
		o.Types = valuelist.BuiltinTypes()
	}
	if o.Problem == nil {
		o.Problem = func(Problem, []byte) {}
	}
	return &Decoder{
		types: o.Types, users: o.Users, security: o.Security, raw: o.Raw, ttlFactor: o.TTLFactor,
		problem: o.Problem, identities: o.Identities, table: newTable(),
	}
}

// SetUsers replaces the users, between two calls of Decode.
func (d *Decoder) SetUsers(users Users) { d.users = users }

// Decode adds the events of a datagram to b. When b is full it calls full,
// which takes b away and returns an empty one; Decode returns the batch that it
// ended with. What is wrong in the datagram costs what comes after it in the
// same datagram, never what came before. Decode writes into the datagram, where
// it is encrypted, but does not keep it.
func (d *Decoder) Decode(datagram []byte, b *engine.Batch, full func(*engine.Batch) *engine.Batch) *engine.Batch {
	d.table.sweepIfLarge()
	d.batch, d.full = b, full
	d.parts(datagram, None, 0)
	b, d.batch, d.full = d.batch, nil, nil
	return b
}

// event adds an event of id to the batch.
func (d *Decoder) event(id *engine.Identity) *engine.Event {
	if d.batch.Full() {
		d.batch = d.full(d.batch)
	}
	return d.batch.Add(id)
}

// state is what the parts so far have said. A part stays in force until another
// of its type comes, and no further than its datagram.
type state struct {
	host, plugin, pluginInstance, typ, typeInstance []byte

	hostSeries *host // of host, once a value asked for it
	time       engine.Time
	ttl        time.Duration // 0: none
	severity   uint64
}

// parts goes through the parts in data, which came with that much security.
func (d *Decoder) parts(data []byte, have Security, depth int) {
	var st state
	warned := false
	for len(data) > headerSize {
		kind, length := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if length > len(data) {
			d.problem(Truncated, nil)
			return
		}
		if length < headerSize {
			if !isPadding(data) {
				d.problem(Malformed, nil)
			}
			return
		}
		part := data[headerSize:length]
		rest := data[length:]
		switch {
		case kind == partEncryption:
			if !d.encrypted(part, have, depth) {
				return
			}
		case have < d.security && (kind != partSignature || d.security == Encrypt):
			if !warned {
				d.problem(Insecure, nil)
				warned = true
			}
		case kind == partSignature:
			// A signature is over all that follows it.
			if d.users != nil {
				d.signed(part, rest, have, depth)
				return
			}
		default:
			if !d.part(&st, kind, part) {
				d.problem(Malformed, nil)
				return
			}
		}
		data = rest
	}
	if !isPadding(data) {
		d.problem(Truncated, nil)
	}
}

// isPadding reports whether there are only zeros, with which some senders fill
// a datagram up.
func isPadding(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// part takes one part that is neither signed nor encrypted, and reports whether
// it was well formed. Parts of an unknown type are passed over.
func (d *Decoder) part(st *state, kind uint16, part []byte) (ok bool) {
	var n uint64
	switch kind {
	case partHost:
		st.hostSeries = nil
		ok = text(part, &st.host, maxName)
	case partPlugin:
		ok = text(part, &st.plugin, maxName)
	case partPluginInstance:
		ok = text(part, &st.pluginInstance, maxName)
	case partType:
		ok = text(part, &st.typ, maxName)
	case partTypeInstance:
		ok = text(part, &st.typeInstance, maxName)
	case partTime:
		n, ok = number(part)
		st.time = engine.Time(wholeSeconds(n))
	case partTimeHR:
		n, ok = number(part)
		st.time = engine.Time(fineSeconds(n))
	case partInterval:
		n, ok = number(part)
		st.ttl = d.ttl(wholeSeconds(n))
	case partIntervalHR:
		n, ok = number(part)
		st.ttl = d.ttl(fineSeconds(n))
	case partSeverity:
		st.severity, ok = number(part)
	case partValues:
		ok = d.values(st, part)
	case partMessage:
		var message []byte
		if ok = text(part, &message, maxMessage); ok {
			d.notification(st, message)
		}
	default:
		ok = true
	}
	return ok
}

// text reads a string, which ends with a NUL.
func text(part []byte, into *[]byte, limit int) bool {
	if len(part) == 0 || part[len(part)-1] != 0 {
		return false
	}
	s := part[:bytes.IndexByte(part, 0)]
	*into = s
	return len(s) <= limit
}

func number(part []byte) (uint64, bool) {
	if len(part) != numberSize-headerSize {
		return 0, false
	}
	return binary.BigEndian.Uint64(part), true
}

// maxSeconds is the most that fits into 64 bits of nanoseconds.
const maxSeconds = math.MaxInt64 / 1_000_000_000

// wholeSeconds turns seconds into nanoseconds, cut to what there is room for.
func wholeSeconds(n uint64) int64 {
	if n >= maxSeconds {
		return math.MaxInt64
	}
	return int64(n) * 1e9
}

// fineSeconds turns units of 2^-30 s into nanoseconds, rounded.
func fineSeconds(n uint64) int64 {
	seconds, part := n>>30, n&(1<<30-1)
	if seconds >= maxSeconds {
		return math.MaxInt64
	}
	return int64(seconds*1e9 + (part*1e9+1<<29)>>30)
}

func (d *Decoder) ttl(interval int64) time.Duration {
	ttl := float64(interval) * d.ttlFactor
	if ttl >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(ttl)
}
