package engine

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Names maps the raw names that a source reads to identities, so that a name
// seen before costs one lookup and no allocation. Lookups take no lock and may
// run on many goroutines beside one another and beside Add.
//
// An identity that the engine has forgotten is not found again, and its name
// makes room for others, so a Names is as large as what lives behind it. When
// very many names lead to what lives, it begins anew: some of a name may mean
// nothing, and then a sender can make them up without end.
type Names struct {
	seed  maphash.Seed
	limit int
	table atomic.Pointer[nameTable]
	mu    sync.Mutex // writers
	used  int        // slots taken, under mu
}

type nameTable struct {
	mask  uint64
	slots []atomic.Pointer[nameNode]
}

type nameNode struct {
	hash uint64
	name string
	id   *Identity
}

// NewNames returns an empty Names.
func NewNames() *Names {
	n := &Names{seed: maphash.MakeSeed(), limit: maxNames}
	n.table.Store(newNameTable(leastNames))
	return n
}

// leastNames is how many slots a table has at least.
const leastNames = 256

func newNameTable(size int) *nameTable {
	return &nameTable{mask: uint64(size - 1), slots: make([]atomic.Pointer[nameNode], size)}
}

// Hash returns the hash of a raw name, for LookupHash.
func (n *Names) Hash(name []byte) uint64 { return maphash.Bytes(n.seed, name) }

// Lookup returns the identity that name was added with, or nil when it is not
// there or has been forgotten.
func (n *Names) Lookup(name []byte) *Identity { return n.LookupHash(n.Hash(name), name) }

// LookupHash is Lookup for a name whose hash is known.
func (n *Names) LookupHash(hash uint64, name []byte) *Identity {
	t := n.table.Load()
	for i := hash & t.mask; ; i = (i + 1) & t.mask {
		node := t.slots[i].Load()
		if node == nil {
			return nil
		}
		if node.hash == hash && node.name == string(name) {
			if node.id.flags.Load()&identityInterned == 0 {
				return nil
			}
			return node.id
		}
	}
}

// Touch loads what LookupHash will need for each of the hashes. Called on a
// chunk of names before they are looked up, it lets the processor fetch their
// cache lines side by side instead of one after the other.
func (n *Names) Touch(hashes []uint64) (sum uint64) {
	t := n.table.Load()
	for _, hash := range hashes {
		if node := t.slots[hash&t.mask].Load(); node != nil {
			sum += node.hash
		}
	}
	return sum
}

// Add maps name to id. It keeps name.
func (n *Names) Add(name string, id *Identity) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.table.Load()
	if n.used >= len(t.slots)*3/4 {
		t = n.rebuild(t)
	}
	n.put(t, &nameNode{hash: maphash.String(n.seed, name), name: name, id: id})
}

func (n *Names) put(t *nameTable, node *nameNode) {
	for i := node.hash & t.mask; ; i = (i + 1) & t.mask {
		at := t.slots[i].Load()
		if at == nil {
			n.used++
		} else if at.hash != node.hash || at.name != node.name {
			continue
		}
		t.slots[i].Store(node)
		return
	}
}

// maxNames bounds the names. It is twice the default bound on identities.
const maxNames = 4_000_000

// rebuild moves the names that are still of use to a new table, which is
// larger only if they are many.
func (n *Names) rebuild(old *nameTable) *nameTable {
	live := 0
	for i := range old.slots {
		if node := old.slots[i].Load(); node != nil && node.id.flags.Load()&identityInterned != 0 {
			live++
		}
	}
	n.used = 0
	if live > n.limit {
		t := newNameTable(leastNames)
		n.table.Store(t)
		return t
	}
	size := len(old.slots)
	if live > size/2 {
		size *= 2
	}
	t := newNameTable(size)
	for i := range old.slots {
		if node := old.slots[i].Load(); node != nil && node.id.flags.Load()&identityInterned != 0 {
			n.put(t, node)
		}
	}
	n.table.Store(t)
	return t
}

// Len returns how many names are held, forgotten ones included.
func (n *Names) Len() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.used
}
