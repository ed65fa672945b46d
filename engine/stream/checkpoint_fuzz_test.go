package stream

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"tocsin/engine"
)

// allCases is a graph of every case side by side, each alone and behind a by.
func allCases(s *Stream) (*Stream, error) {
	hosts, err := s.By(field("host"))
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(savedCases)) {
		if name == "emit" || name == "index" || name == "every" {
			continue // they would feed the others
		}
		build := savedCases[name]
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
	r := savedRig(t, engine.Options{TTL: 20 * second, Forget: 15 * second}, allCases, func(r *rig) { r.graph.Start() })
	return r.play(busyScript)
}

// tryLoad loads what may be damaged, and goes on if that was taken.
func tryLoad(t testing.TB, records engine.RecordMap) (skipped int, err error) {
	r := savedRig(t, engine.Options{TTL: 20 * second, Forget: 15 * second}, allCases, func(r *rig) { skipped, err = r.load(records) })
	if err == nil {
		r.play("+1; 8 host=a service=s state=ok metric=1; 9 host=b service=s metric=3 tags=x; +5")
		r.save()
	}
	return skipped, err
}

// FuzzLoad: one record of all is another, with any key.
func FuzzLoad(f *testing.F) {
	records := busyRig(f).save()
	for key, value := range records {
		f.Add(key, []byte(value))
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		damaged := maps.Clone(records)
		damaged[key] = string(value)
		_, _ = tryLoad(t, damaged)
		delete(damaged, key)
		_, _ = tryLoad(t, damaged)
	})
}

// TestLoadDamaged: whatever is wrong with records, loading them ends well or
// with an error.
func TestLoadDamaged(t *testing.T) {
	records := busyRig(t).save()
	if skipped, err := tryLoad(t, records); err != nil || skipped > 0 {
		t.Fatal(skipped, err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for key, value := range records {
		for range 10 {
			bad := []byte(value)
			for range 1 + random.IntN(3) {
				bad[random.IntN(len(bad))] ^= byte(1 << random.IntN(8))
			}
			damaged := maps.Clone(records)
			damaged[key] = string(bad)
			_, _ = tryLoad(t, damaged)
			damaged[key] = value[:random.IntN(len(value))]
			if skipped, err := tryLoad(t, damaged); err == nil && skipped == 0 && len(damaged[key]) < len(value)-1 {
				t.Errorf("record %q was cut short to %d of %d bytes, and nobody noticed", key, len(damaged[key]), len(value))
			}
		}
	}
}

func TestLoadWithoutEngine(t *testing.T) {
	if _, err := tryLoad(t, engine.RecordMap{}); err == nil {
		t.Error("no records at all were loaded")
	}
}
