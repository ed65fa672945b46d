package engine

// ring is a queue with a bound. It starts small and grows up to the bound, so
// that an outlet that is never behind costs little.
type ring[T any] struct {
	items []T
	head  int
	size  int
	limit int
}

func (r *ring[T]) len() int   { return r.size }
func (r *ring[T]) full() bool { return r.size >= r.limit }

// at returns a pointer to the i-th item from the front.
func (r *ring[T]) at(i int) *T {
	i += r.head
	if i >= len(r.items) {
		i -= len(r.items)
	}
	return &r.items[i]
}

// push adds an item at the end. The ring must not be full.
func (r *ring[T]) push(item T) {
	if r.size == len(r.items) {
		r.grow()
	}
	r.size++
	*r.at(r.size - 1) = item
}

// drop removes n items from the front, and lets go of what they refer to.
func (r *ring[T]) drop(n int) {
	var none T
	for range n {
		r.items[r.head] = none
		if r.head++; r.head == len(r.items) {
			r.head = 0
		}
	}
	r.size -= n
}

func (r *ring[T]) grow() {
	items := make([]T, min(max(2*len(r.items), 64), r.limit))
	n := copy(items, r.items[r.head:])
	copy(items[n:], r.items[:r.head])
	r.items, r.head = items, 0
}
