package stream

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tocsin/engine"
)

// allCases is a graph of every case side by side, each alone and behind a by.
func allCases(s *Stream) (*Stream, error) {
	hosts, err := s.By(field("host"))
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(snapshotCases)) {
		if name == "emit" || name == "index" || name == "every" {
			continue // they would feed the others
		}
		build := snapshotCases[name]
		if _, err := build(s); err != nil {
			return nil, err
		}
		if _, err := build(hosts); err != nil {
			return nil, err
		}
	}
	return s, nil
}

const busyScript = `
	0 host=a service=s state=ok metric=1 tags=x; 1 host=b service=s state=ok metric=3 ttl=4; +2;
	2 host=a service=t metric=2.5 tags=x; 4 host=a service=s state=critical metric=4; - host=c service=s metric=13;
	3 host=b service=t state=ok metric=2; +3; 7 host=a service=s state=critical metric=5; 7 host=b service=s state=expired`

func busyRig(t testing.TB) *rig {
	r := snapshotRig(t, engine.Options{TTL: 20 * second, Forget: 15 * second}, allCases, func(r *rig) { r.graph.Start() })
	return r.play(busyScript)
}

// seal gives a damaged snapshot the checksum that a whole one has.
func seal(data []byte) []byte {
	if len(data) < 4 {
		return data
	}
	end := len(data) - 4
	return binary.LittleEndian.AppendUint32(data[:end:end], crc32.Checksum(data[:end], crc32.MakeTable(crc32.Castagnoli)))
}

// tryLoad loads what may be damaged, and goes on if that was taken.
func tryLoad(t testing.TB, data []byte) error {
	var err error
	r := snapshotRig(t, engine.Options{TTL: 20 * second, Forget: 15 * second}, allCases, func(r *rig) { err = r.load(data) })
	if err == nil {
		r.play("+1; 8 host=a service=s state=ok metric=1; 9 host=b service=s metric=3 tags=x; +5")
	}
	return err
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("tocsin snapshot\n\x01\x00"))
	f.Add(busyRig(f).save())
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = tryLoad(t, data)
		_ = tryLoad(t, seal(data))
	})
}

// TestLoadDamaged: whatever is wrong with a snapshot, loading it ends with an
// error or leaves something out.
func TestLoadDamaged(t *testing.T) {
	data := busyRig(t).save()
	if err := tryLoad(t, data); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		bad := append([]byte(nil), data...)
		for range 1 + random.IntN(3) {
			bad[random.IntN(len(bad))] ^= byte(1 << random.IntN(8))
		}
		if err := tryLoad(t, bad); err == nil {
			t.Fatal("a damaged snapshot was loaded")
		}
		_ = tryLoad(t, seal(bad))
		_ = tryLoad(t, seal(bad[:random.IntN(len(bad))]))
	}
}

func TestLoadRefuses(t *testing.T) {
	data := busyRig(t).save()
	newer := append([]byte(nil), data...)
	newer[len("tocsin snapshot\n")]++
	if err := tryLoad(t, seal(newer)); !errors.Is(err, engine.ErrNewerSnapshot) {
		t.Errorf("a newer version: %v", err)
	}
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"nothing", "does not begin as one", nil},
		{"something else", "does not begin as one", []byte("SQLite format 3\x00 and so on")},
		{"cut short", "damaged or cut short", data[:len(data)/2]},
		{"empty", "has no engine", seal([]byte("tocsin snapshot\n\x01\x00...."))},
	} {
		if err := tryLoad(t, c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}
