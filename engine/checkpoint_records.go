package engine

import (
	"cmp"
	"slices"
	"strings"
)

// sortedRecords are records by key.
type sortedRecords []sortedRecord

type sortedRecord struct{ key, value string }

// Records finishes a Whole checkpoint and returns what it has put as records, to be read at
// once: it is quicker to make than a RecordMap.
func (c *Checkpoint) Records() Records {
	c.Finish()
	records := make(sortedRecords, 0, c.Len())
	for p := range c.all {
		text := string(p.buf)
		for _, item := range p.puts {
			records = append(records, sortedRecord{text[item.start:item.key], text[item.key:item.end]})
		}
	}
	slices.SortStableFunc(records, func(a, b sortedRecord) int { return cmp.Compare(a.key, b.key) })
	return records
}

// from returns the place of the first record whose key is not before key.
func (s sortedRecords) from(key string) int {
	at, _ := slices.BinarySearchFunc(s, key, func(r sortedRecord, key string) int { return cmp.Compare(r.key, key) })
	return at
}

// Get implements Records.
func (s sortedRecords) Get(key string) (string, bool) {
	if at := s.from(key); at < len(s) && s[at].key == key {
		return s[at].value, true
	}
	return "", false
}

// Each implements Records.
func (s sortedRecords) Each(prefix string, f func(key, value string)) {
	for _, r := range s[s.from(prefix):] {
		if !strings.HasPrefix(r.key, prefix) {
			return
		}
		f(r.key, r.value)
	}
}
