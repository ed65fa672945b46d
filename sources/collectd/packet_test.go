package collectd

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tocsin/engine"
)

// packet builds a datagram part by part.
type packet []byte

func (p packet) part(kind uint16, payload []byte) packet {
	p = binary.BigEndian.AppendUint16(p, kind)
	p = binary.BigEndian.AppendUint16(p, uint16(4+len(payload)))
	return append(p, payload...)
}

func (p packet) text(kind uint16, s string) packet { return p.part(kind, append([]byte(s), 0)) }

func (p packet) number(kind uint16, n uint64) packet {
	return p.part(kind, binary.BigEndian.AppendUint64(nil, n))
}

// from begins a value list or notification; at is in seconds.
func (p packet) from(host, plugin, typ, typeInstance string, at float64) packet {
	return p.text(partHost, host).number(partTimeHR, fine(at)).number(partIntervalHR, fine(10)).
		text(partPlugin, plugin).text(partType, typ).text(partTypeInstance, typeInstance)
}

// values adds a values part. Each value is a float64 (gauge), int64 (derive),
// uint64 (counter) or absoluteValue.
func (p packet) values(values ...any) packet {
	payload := binary.BigEndian.AppendUint16(nil, uint16(len(values)))
	for _, v := range values {
		switch v.(type) {
		case uint64:
			payload = append(payload, 0)
		case float64:
			payload = append(payload, 1)
		case int64:
			payload = append(payload, 2)
		case absoluteValue:
			payload = append(payload, 3)
		}
	}
	for _, v := range values {
		switch v := v.(type) {
		case uint64:
			payload = binary.BigEndian.AppendUint64(payload, v)
		case float64:
			payload = binary.LittleEndian.AppendUint64(payload, math.Float64bits(v))
		case int64:
			payload = binary.BigEndian.AppendUint64(payload, uint64(v))
		case absoluteValue:
			payload = binary.BigEndian.AppendUint64(payload, uint64(v))
		}
	}
	return p.part(partValues, payload)
}

type absoluteValue uint64

// fine turns seconds into units of 2^-30 s.
func fine(seconds float64) uint64 { return uint64(math.Round(seconds * (1 << 30))) }

func sign(user, password string, p packet) packet {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte(user))
	mac.Write(p)
	return append(packet(nil).part(partSignature, append(mac.Sum(nil), user...)), p...)
}

func encrypt(user, password string, p packet) packet {
	key := sha256.Sum256([]byte(password))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	iv := []byte("0123456789abcdef")
	sum := sha1.Sum(p)
	secret := append(sum[:], p...)
	cipher.NewOFB(block, iv).XORKeyStream(secret, secret)
	payload := binary.BigEndian.AppendUint16(nil, uint16(len(user)))
	payload = append(payload, user...)
	payload = append(payload, iv...)
	return packet(nil).part(partEncryption, append(payload, secret...))
}

// harness is a decoder that remembers its problems.
type harness struct {
	*Decoder
	ids      *engine.Identities
	problems [problems]int
	about    []string
}

func newHarness(o DecoderOptions) *harness {
	h := &harness{}
	if o.Identities == nil {
		o.Identities = engine.NewIdentities(1 << 20)
	}
	h.ids = o.Identities
	o.Problem = func(p Problem, detail []byte) {
		h.problems[p]++
		h.about = append(h.about, string(detail))
	}
	h.Decoder = NewDecoder(o)
	return h
}

// decode returns the events of a copy of datagram.
func (h *harness) decode(datagram []byte) []engine.Event {
	var events []engine.Event
	full := func(b *engine.Batch) *engine.Batch {
		events = append(events, b.Events...)
		return &engine.Batch{}
	}
	full(h.Decode(bytes.Clone(datagram), &engine.Batch{}, full))
	return events
}

// want fails unless exactly these problems, in any order, came up.
func (h *harness) want(t *testing.T, want ...Problem) {
	t.Helper()
	var counts [problems]int
	for _, p := range want {
		counts[p]++
	}
	for i := range counts {
		if h.problems[i] != counts[i] {
			t.Errorf("problem %s: got %d, want %d", Problem(i), h.problems[i], counts[i])
		}
	}
}

func metricsOf(events []engine.Event) []float64 {
	var out []float64
	for _, e := range events {
		out = append(out, e.Metric)
	}
	return out
}

func wantMetrics(t *testing.T, got []engine.Event, want ...float64) {
	t.Helper()
	if !slices.Equal(metricsOf(got), want) {
		t.Errorf("got metrics %v, want %v", metricsOf(got), want)
	}
}

// recording reads the datagrams of a file in testdata.
func recording(t testing.TB, name string) [][]byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]byte
	for {
		datagram, err := readRecord(f, nil)
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, datagram)
	}
}
