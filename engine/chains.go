package engine

import "math/bits"

// chains is a hash table of identities that takes one word for each, besides
// the link in the identity. It grows by one chain at a time (linear hashing,
// W. Litwin, 1980), so no insert takes long.
type chains struct {
	heads []*Identity
}

// at returns the place of the chain that identities of this hash are in, among
// others. There must be one.
func (c *chains) at(hash uint64) **Identity {
	n := uint64(len(c.heads))
	i := hash & (1<<bits.Len64(n-1) - 1)
	if i >= n {
		i = hash & (1<<(bits.Len64(n-1)-1) - 1) // that chain is not split yet
	}
	return &c.heads[i]
}

// first returns the first identity with this hash, or nil.
func (c *chains) first(hash uint64) *Identity {
	if len(c.heads) == 0 {
		return nil
	}
	return (*c.at(hash)).ofHash(hash)
}

// ofHash returns id, or the next in its chain, that has this hash.
func (id *Identity) ofHash(hash uint64) *Identity {
	for id != nil && id.hash != hash {
		id = id.next
	}
	return id
}

// add puts id first in its chain. There are size others.
func (c *chains) add(id *Identity, size int) {
	if len(c.heads) <= size {
		c.grow()
	}
	head := c.at(id.hash)
	id.next, *head = *head, id
}

// grow adds a chain, and moves what belongs there from the one that is split.
func (c *chains) grow() {
	c.heads = append(c.heads, nil)
	n := len(c.heads) - 1
	if n == 0 {
		return
	}
	split := n - 1<<(bits.Len(uint(n))-1)
	// The order in a chain is kept: it is that of age.
	stay, move := &c.heads[split], &c.heads[n]
	for at := c.heads[split]; at != nil; at = at.next {
		if c.at(at.hash) == &c.heads[n] {
			*move, move = at, &at.next
		} else {
			*stay, stay = at, &at.next
		}
	}
	*stay, *move = nil, nil
}

// filter keeps the identities for which keep holds, and calls drop for the
// others, which are out of the chain by then.
func (c *chains) filter(head **Identity, keep func(*Identity) bool, drop func(*Identity)) {
	for at := *head; at != nil; {
		next := at.next
		if keep(at) {
			head = &at.next
		} else {
			*head = next
			drop(at)
		}
		at = next
	}
}
