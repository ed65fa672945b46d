package journal

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tocsin/engine"
)

// withSum puts the checksum of a segment's head right.
func withSum(head []byte) []byte {
	binary.LittleEndian.PutUint32(head[segmentHeadSize-4:], crc32.Checksum(head[:segmentHeadSize-4], castagnoli))
	return head
}

// recovered opens a journal of one segment with these bytes, and returns what is
// read: as a reader finds it, and after it was opened and put right.
func recovered(t *testing.T, path string, data []byte) (read, opened []string) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	read, _, err := readAll(dir, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dir, Options{})
	last := r.journal.Last()
	err = r.journal.Replay(1, engine.NewIdentities(100), func(l *engine.Logged) error {
		opened = append(opened, shown(l))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if int(last) != len(opened) {
		t.Fatalf("the last batch is %d, but %d are there", last, len(opened))
	}
	r.append(last+1, engine.Time(last+1)*second, 2) // it goes on
	r.close()
	after, bad, err := readAll(dir, ReadOptions{})
	if err != nil || len(bad) > 0 || !slices.Equal(after, append(slices.Clone(opened), r.want(last+1)...)) {
		t.Fatalf("then got %q, %q, %v", after, bad, err)
	}
	for _, name := range files(t, dir) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return read, opened
}

// TestEveryByte cuts and changes a journal at each byte: what is read is a prefix
// of what was appended, and both a reader and the owner find as much of it as there
// can be.
func TestEveryByte(t *testing.T) {
	path, data := small(t)
	all, _, err := readAll(filepath.Dir(path), ReadOptions{})
	if err != nil || len(all) != 4 {
		t.Fatalf("%q, %v", all, err)
	}
	ends := []int{segmentHeadSize}
	for at := segmentHeadSize; at < len(data); {
		h, ok := parseBlockHead(data[at:])
		if !ok {
			t.Fatal("no block")
		}
		at += blockHeadSize + int(h.stored)
		ends = append(ends, at)
	}
	const side = 8 // so many at once, as the time goes into syncs
	for part := range side {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), segmentName(1))
			for at := part; at < len(data); at += side {
				whole := 0 // blocks before this byte
				for whole+1 < len(ends) && ends[whole+1] <= at {
					whole++
				}
				changed := slices.Clone(data)
				changed[at] ^= 1 << (at % 8)
				for what, damaged := range map[string][]byte{"cut": data[:at], "changed": changed} {
					read, opened := recovered(t, path, damaged)
					if !slices.Equal(read, all[:whole]) || !slices.Equal(opened, all[:whole]) {
						t.Fatalf("%s at byte %d: read %d batches, opened %d, want %d", what, at, len(read), len(opened), whole)
					}
				}
			}
		})
	}
}

func TestTornTailIsKeptAside(t *testing.T) {
	path, data := small(t)
	cutAt := len(data) - 7
	if err := os.WriteFile(path, data[:cutAt], 0o644); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, filepath.Dir(path), Options{})
	r.wantRead(ReadOptions{}, r.want(1, 2, 3))
	names := files(t, r.dir)
	if len(names) != 2 || !strings.HasPrefix(names[1], segmentName(1)+".torn-") {
		t.Fatalf("files %q", names)
	}
	kept, err := os.ReadFile(filepath.Join(r.dir, names[1]))
	if err != nil || !bytes.HasSuffix(data[:cutAt], kept) || len(kept) == 0 {
		t.Errorf("kept %d bytes, %v", len(kept), err)
	}
	if !strings.Contains(r.log.String(), "cut off a write that was not finished") || len(r.told) > 0 {
		t.Errorf("logged %s, told %q", r.log.String(), r.told)
	}
}

func TestDamagedMiddleIsKeptAside(t *testing.T) {
	path, data := small(t)
	first, _ := parseBlockHead(data[segmentHeadSize:])
	second := segmentHeadSize + blockHeadSize + int(first.stored)
	data[second+blockHeadSize]++
	for range 2 { // the same damage twice does not overwrite what was kept
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		r := newRig(t, filepath.Dir(path), Options{})
		r.wantRead(ReadOptions{}, r.want(1))
		if len(r.told) != 1 || !strings.Contains(r.told[0], "at least 3 batches with 6 events cannot be read") {
			t.Errorf("told %q", r.told)
		}
		r.close()
	}
	names := files(t, filepath.Dir(path))
	if len(names) != 3 || !strings.Contains(names[1], ".damaged-") || names[2] != names[1]+"-2" {
		t.Fatalf("files %q", names)
	}
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(path), names[2]))
	if err != nil || !bytes.Equal(kept, data[second:]) {
		t.Errorf("kept %d bytes, %v", len(kept), err)
	}
}

// TestDamagedEnd: the last write is there in its whole length, so it may have been
// acknowledged. One that is nothing but zeros was never done.
func TestDamagedEnd(t *testing.T) {
	path, data := small(t)
	for _, c := range []struct {
		name    string
		data    []byte
		read    int
		damaged bool
	}{
		{"changed", append(slices.Clone(data[:len(data)-1]), data[len(data)-1]+1), 3, true},
		{"zeros", append(slices.Clone(data), make([]byte, 100)...), 4, false},
		{"garbage", append(slices.Clone(data), bytes.Repeat([]byte("x"), 100)...), 4, true},
	} {
		if err := os.WriteFile(path, c.data, 0o644); err != nil {
			t.Fatal(err)
		}
		got, bad, err := readAll(filepath.Dir(path), ReadOptions{})
		if len(got) != c.read || (len(bad) > 0) != c.damaged || err != nil {
			t.Errorf("%s: read %d batches, %q, %v", c.name, len(got), bad, err)
		}
		r := newRig(t, filepath.Dir(path), Options{})
		if told := len(r.told) > 0; told != c.damaged || r.journal.Last() != uint64(c.read) {
			t.Errorf("%s: told %q, the last is %d", c.name, r.told, r.journal.Last())
		}
		r.close()
	}
}

// TestDamagedSegmentBeforeOthers: reading goes on with the next segment, and says
// what is missing.
func TestDamagedSegmentBeforeOthers(t *testing.T) {
	r := newRig(t, t.TempDir(), Options{segmentBytes: 1})
	for position := range uint64(5) {
		r.append(position+1, engine.Time(position+1)*second, 2)
	}
	r.close()
	damage := func(position uint64, at int) {
		path := filepath.Join(r.dir, segmentName(position))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[at]++
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	damage(2, segmentHeadSize+blockHeadSize)
	damage(4, 0)
	r.wantRead(ReadOptions{}, append(r.want(1), append(r.want(3), r.want(5)...)...),
		"the block at byte 40 is damaged (batches read before: 0; bytes left out: ", "batch 2 is missing", "does not begin as a segment", "batch 4 is missing")

	again := newRig(t, r.dir, Options{})
	var got []string
	err := again.journal.Replay(2, engine.NewIdentities(100), func(l *engine.Logged) error { got = append(got, shown(l)); return nil })
	if err != nil || !slices.Equal(got, append(r.want(3), r.want(5)...)) {
		t.Errorf("got %q, %v", got, err)
	}
	if n := again.counted("tocsin_journal_missing_batches_total"); n != 2 {
		t.Errorf("%d batches are counted as missing", n)
	}
	if n := again.counted("tocsin_journal_damages_total"); n != 2 {
		t.Errorf("%d damages are counted", n)
	}
	if !slices.Contains(files(t, r.dir), segmentName(4)+".damaged-0") {
		t.Errorf("files %q", files(t, r.dir))
	}
}

func FuzzRead(f *testing.F) {
	head := segmentHead{1, second}.append(nil)
	for _, n := range []int{1, 50} {
		var b block
		e := engine.Event{ID: engine.NewIdentities(1).Loose(engine.Parts{Service: "s", Has: engine.HasService})}
		e.SetTime(second)
		b.add("source", at(1, second), slices.Repeat([]engine.Event{e}, n))
		data := b.appendTo(slices.Clone(head))
		f.Add(data[segmentHeadSize+blockHeadSize:], uint32(n))
	}
	f.Fuzz(func(t *testing.T, payload []byte, unpacked uint32) {
		// The checksums are right, so that what they guard is reached.
		h := blockHead{
			sum: crc32.Checksum(payload, castagnoli), stored: uint32(len(payload)), unpacked: max(unpacked%(1<<20), uint32(len(payload))),
			first: 1, batches: 2,
		}
		data := append(slices.Clone(head), make([]byte, blockHeadSize)...)
		h.put(data[segmentHeadSize:])
		path := filepath.Join(t.TempDir(), segmentName(1))
		if err := os.WriteFile(path, append(data, payload...), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, _, err := readAll(filepath.Dir(path), ReadOptions{}); err != nil || len(got) > 2 {
			t.Fatalf("%d batches, %v", len(got), err)
		}
	})
}
