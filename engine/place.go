package engine

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Place is somewhere that a source reads from and could read again, such as a
// partition of a topic. A batch that has one says up to where it goes. The
// checkpoint that has the effect of the batch has that, too, so that after a
// crash the source reads on from there, and everything counts once. A Log is not
// given such batches. The methods may be called from any goroutine.
type Place struct {
	name   string // of the source, and of the place in it
	taken  atomic.Int64
	served atomic.Int64
	kept   atomic.Int64
	seen   Seen // engine's goroutine only
	// Under the runner's lock:
	stored bool // the store has it, maybe
	gone   bool // no source asks for it any more

	mu     sync.Mutex // held while kept follows, so that Forget is the last word
	saving int64      // what the checkpoint has that is being kept
}

// unknown is what a place has where nobody has been yet.
const unknown = -1

// placePrefix begins the keys of places: the name of the source, a zero byte and
// the name of the place follow.
const placePrefix = "place\x00"

func newPlace(name string, at int64) *Place {
	p := &Place{name: name}
	p.set(at)
	return p
}

func (p *Place) set(at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken.Store(at)
	p.served.Store(at)
	p.saving = at
	p.kept.Store(at)
}

// Taken returns up to where the engine has what was read, be it served or queued:
// where to read on. ok is false when nothing is known of the place. Until the
// first batch it is what the last checkpoint of the program before had.
func (p *Place) Taken() (next int64, ok bool) {
	next = p.taken.Load()
	return next, next != unknown
}

// Served returns up to where the engine has served what was read. ok is as for
// Taken.
func (p *Place) Served() (next int64, ok bool) {
	next = p.served.Load()
	return next, next != unknown
}

// Durable returns up to where what was read is in a checkpoint, or has been
// served when none are made: where it need not be read again, so that this can
// be acknowledged.
func (p *Place) Durable() (next int64, ok bool) {
	next = p.kept.Load()
	return next, next != unknown
}

// Forget has nothing be known of the place any more, as when somebody else reads
// on there. None of its batches may be on the way.
func (p *Place) Forget() { p.set(unknown) }

// Place returns the place of that name of the source, which must not have a
// zero byte in its name. There is one for all of the life of the runner.
func (in *input) Place(name string) *Place {
	r := in.runner
	full := in.Name + "\x00" + name
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.places[full]
	if p == nil {
		p = newPlace(full, unknown)
		r.places[full] = p
	}
	p.gone = false
	return p
}

// KeepPlaces forgets the places of all sources but these. It is called when a
// configuration runs that has no others: not when a source has only stopped, as one
// that a reload, which may fail, takes away or changes.
func (r *Runner) KeepPlaces(sources []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places {
		if source, _, _ := strings.Cut(p.name, "\x00"); !slices.Contains(sources, source) {
			p.gone = true
			p.Forget()
		}
	}
}

// LoadPlaces takes over where sources had been, from the records that the engine
// was loaded from. It is called before Run.
func (r *Runner) LoadPlaces(l *Loading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l.Each(placePrefix, func(name string, record *RecordReader) {
		next := record.Varint()
		if record.End() != nil || next < 0 || !strings.Contains(name, "\x00") {
			l.Skip()
			return
		}
		p := r.places[name]
		if p == nil {
			p = newPlace(name, next)
			r.places[name] = p
		}
		p.set(next)
		p.stored = true
	})
}

// savePlaces puts where sources have been.
func (r *Runner) savePlaces(c *Checkpoint) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places {
		if next := p.save(); next != unknown {
			c.PutChanged(placePrefix+p.name, &p.seen, func(w *RecordWriter) { w.Varint(next) })
			p.stored = true
			continue
		}
		if p.stored {
			c.Remove(placePrefix + p.name)
			p.stored, p.seen = false, Seen{}
		}
		if p.gone {
			delete(r.places, p.name)
		}
	}
}

// save returns what a checkpoint has of the place.
func (p *Place) save() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saving = p.served.Load()
	return p.saving
}

// durable notes that the checkpoint is.
func (p *Place) durable() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saving != unknown {
		p.kept.Store(p.saving)
	}
}

// placesKept notes that the checkpoint that was saved last is durable.
func (r *Runner) placesKept() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.places {
		p.durable()
	}
}

// reached notes that a batch was served.
func (r *Runner) reached(b *Batch) {
	b.Place.served.Store(b.Next)
	if r.checkpoints == nil {
		b.Place.kept.Store(b.Next)
	}
}
