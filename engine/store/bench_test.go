package store

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"tocsin/engine"
)

// changed makes a checkpoint of n records of 150 bytes, other ones each time.
func changed(c *engine.Checkpoint, n, round int) {
	c.Reset()
	value := make([]byte, 120)
	for i := range n {
		copy(value, fmt.Sprint(round))
		c.Put(fmt.Sprintf("entry host%06d/service-name", i), func(w *engine.RecordWriter) { w.Text(string(value)) })
	}
}

func benchStore(b *testing.B, n int) (*Store, *engine.Checkpoint) {
	s, err := Open(filepath.Join(b.TempDir(), "db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { mustClose(b, s) })
	c := &engine.Checkpoint{}
	changed(c, n, -1)
	mustCommit(b, s, c)
	return s, c
}

func BenchmarkCommit(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("records=%d", n), func(b *testing.B) {
			s, c := benchStore(b, n)
			s.shrinkAbove = math.MaxInt64
			b.SetBytes(int64(c.Size()))
			b.ReportAllocs()
			round := 0
			for b.Loop() {
				b.StopTimer()
				round++
				changed(c, n, round)
				b.StartTimer()
				mustCommit(b, s, c)
			}
			b.StopTimer()
			wantRecords(b, s, n)
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	const n = 1_000_000
	s, _ := benchStore(b, n)
	mustClose(b, s)
	b.SetBytes(s.size)
	b.ReportAllocs()
	for b.Loop() {
		s, err := Open(s.path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		wantRecords(b, s, n)
		mustClose(b, s)
	}
}

func BenchmarkShrink(b *testing.B) {
	const n = 1_000_000
	s, _ := benchStore(b, n)
	b.SetBytes(s.size)
	b.ReportAllocs()
	for b.Loop() {
		mustRewrite(b, s)
		wantRecords(b, s, n)
	}
}

func wantRecords(b *testing.B, s *Store, n int) {
	b.Helper()
	if s.records != n {
		b.Fatalf("the store has %d records, want %d", s.records, n)
	}
}
