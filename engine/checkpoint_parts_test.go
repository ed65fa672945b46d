package engine

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestCheckpointOfManyParts wants all that was put, in order, whatever the parts,
// also from a checkpoint that is used again.
func TestCheckpointOfManyParts(t *testing.T) {
	var c Checkpoint
	seen := make(map[int]*Seen)
	for _, n := range []int{5000, 100, 9000, 4000} {
		c.Reset()
		var want, got []string
		for i := range n {
			value := strings.Repeat("v", i%977)
			switch put := func(w *RecordWriter) { w.Byte(byte(i)); w.buf = append(w.buf, value...) }; i % 3 {
			case 0:
				c.Put(strconv.Itoa(i), put)
				want = append(want, strconv.Itoa(i)+"="+string(byte(i))+value)
			case 1:
				if seen[i] == nil {
					seen[i] = new(Seen)
					want = append(want, strconv.Itoa(i)+"="+string(byte(i))+value)
				}
				c.PutChanged(strconv.Itoa(i), seen[i], put)
			default:
				c.Remove(strconv.Itoa(i))
			}
		}
		removed := 0
		c.Each(func(key, value []byte, gone bool) {
			if gone {
				if i, _ := strconv.Atoi(string(key)); i%3 != 2 || len(got) > 0 {
					t.Fatalf("%s was removed, after %d puts", key, len(got))
				}
				removed++
				return
			}
			got = append(got, string(key)+"="+string(value[0])+string(value[1:]))
		})
		if !slices.Equal(got, want) || removed != n/3 || c.Len() != len(got)+removed {
			t.Errorf("of %d: got %d, want %d; %d removed", n, len(got), len(want), removed)
		}
		if n == 9000 && len(c.parts) < 4 {
			t.Errorf("%d bytes are in %d parts", c.Size(), len(c.parts)+1)
		}
	}
}
