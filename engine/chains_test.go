package engine

import (
	"testing"

	"pgregory.net/rapid"
)

// TestChains holds the table against a plain list: whatever is added and
// dropped, identities of one hash are found, the newest first.
func TestChains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c chains
		var model []*Identity // the newest first
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			hash := rapid.Uint64Range(0, 40).Draw(t, "hash") * 0x9E3779B97F4A7C15
			if len(model) > 0 && rapid.IntRange(0, 3).Draw(t, "drop") == 0 {
				i := rapid.IntRange(0, len(model)-1).Draw(t, "which")
				gone := model[i]
				c.filter(c.at(gone.hash), func(at *Identity) bool { return at != gone }, func(*Identity) {})
				model = append(model[:i:i], model[i+1:]...)
			} else {
				id := &Identity{hash: hash}
				c.add(id, len(model))
				model = append([]*Identity{id}, model...)
			}
			at := c.first(hash)
			for _, want := range model {
				if want.hash != hash {
					continue
				}
				if at != want {
					t.Fatalf("%p is found, want %p", at, want)
				}
				at = at.next.ofHash(hash)
			}
			if at != nil {
				t.Fatal("one too many is found")
			}
		}
	})
}
