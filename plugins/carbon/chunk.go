package carbon

import "tocsin/engine"

// chunkSize is how many points are parsed before their names are looked up, so
// that the lookups wait for memory together.
const chunkSize = 64

// Chunk is a number of points whose identities are found together. It belongs to
// one goroutine. The zero value is an empty chunk.
type Chunk struct {
	n       int
	points  [chunkSize]Point
	hashes  [chunkSize]uint64
	ids     [chunkSize]*engine.Identity
	touched uint64 // keeps the compiler from leaving out the touching
}

// Next returns the point to be filled in next. Without Keep after it, the point
// is given up. The chunk must not be full.
func (c *Chunk) Next() *Point { return &c.points[c.n] }

// Keep keeps the point of Next, and reports whether the chunk is full. The
// point's name must stay valid until Reset.
func (c *Chunk) Keep() (full bool) {
	c.n++
	return c.n == chunkSize
}

// Identify finds the identity of each point by its name: in names, or by intern,
// which returns nil if there is none.
func (c *Chunk) Identify(names *engine.Names, intern func(name []byte) *engine.Identity) {
	points, hashes, ids := c.points[:c.n], c.hashes[:c.n], c.ids[:c.n]
	for i := range points {
		hashes[i] = names.Hash(points[i].Name)
	}
	c.touched += names.Touch(hashes)
	for i := range points {
		id := names.LookupHash(hashes[i], points[i].Name)
		if id == nil {
			id = intern(points[i].Name)
		}
		ids[i] = id
	}
}

// Identities returns what Identify has found, nil for points that have none.
func (c *Chunk) Identities() []*engine.Identity { return c.ids[:c.n] }

// Point returns the i-th point.
func (c *Chunk) Point(i int) *Point { return &c.points[i] }

// Set sets the metric and the time of an event to those of the i-th point.
func (c *Chunk) Set(e *engine.Event, i int) {
	p := &c.points[i]
	e.SetMetric(p.Value)
	if p.HasTime {
		e.SetTime(p.Time)
	}
}

// Reset empties the chunk.
func (c *Chunk) Reset() { c.n = 0 }
