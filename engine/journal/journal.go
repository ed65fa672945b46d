package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"tocsin/engine"
)

// Options are the settings of a journal.
type Options struct {
	// Keep is how long segments are kept that no checkpoint needs (24 h).
	Keep time.Duration
	// Bytes bounds what is kept, but for what a checkpoint needs; 0: Keep alone does.
	Bytes int64
	// Logger takes what goes wrong; nil: nobody.
	Logger *slog.Logger
	// Metrics is where the journal's counters go; nil: nowhere.
	Metrics *metrics.Set
	// Notify, when not nil, is told of trouble: Runner.Notify. It must not block.
	Notify func(service, description string, attrs ...engine.Attr)

	segmentBytes int64 // when a new segment is begun; tests set it
}

const (
	defaultKeep  = 24 * time.Hour
	segmentBytes = 64 << 20
	// keepParts is how many segments there are for each Keep, if they do not get
	// full before, and sizeParts for Bytes. The least bounds how small they get.
	keepParts  = 24
	leastAge   = time.Minute
	sizeParts  = 8
	leastBytes = 1 << 20
	// queueBatches is how many batches wait for the disk. When they are more, the
	// engine waits.
	queueBatches = 256
)

func (o *Options) setDefaults() {
	if o.Keep <= 0 {
		o.Keep = defaultKeep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	if o.Notify == nil {
		o.Notify = func(string, string, ...engine.Attr) {}
	}
	if o.segmentBytes == 0 {
		o.segmentBytes = segmentBytes
		if o.Bytes > 0 {
			o.segmentBytes = min(segmentBytes, max(o.Bytes/sizeParts, leastBytes))
		}
	}
}

// Journal is an open journal: an engine.Log. One process has it.
type Journal struct {
	options Options
	dir     string
	lock    *os.File
	metrics journalMetrics

	queue        chan entry
	writing      sync.WaitGroup
	closing      sync.Once
	last         uint64       // see Last
	lag          atomic.Int64 // batches that were appended and are not settled
	checkpointed atomic.Uint64

	// These belong to write's goroutine once a batch was appended.
	segments []segment
	file     *os.File // the last of segments; nil: the next group begins a new one
	dirty    bool     // there may be something behind the end of the last segment
	block    block
	out      []byte
	trouble  trouble
}

// entry is a batch on its way to the disk.
type entry struct {
	batch *engine.Batch
	at    engine.Served
}

// kept reports whether the batch is written. Any other one only wants to know when
// those before it are durable.
func (e *entry) kept() bool { return len(e.batch.Events) > 0 || e.at.Mark }

// Open opens the journal in dir, which is made if it is not there, and puts it
// right after a crash: what was written by halves is cut off and kept beside the
// segment; what could not be read is logged. It fails when another process has the
// journal, and with ErrNewer when a later version of the program wrote it.
func Open(dir string, o Options) (*Journal, error) {
	o.setDefaults()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the journal: %w", err)
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open journal: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("cannot open journal: another process has %q: %w", dir, err)
	}
	j := &Journal{options: o, dir: dir, lock: lock, queue: make(chan entry, queueBatches)}
	j.metrics = newJournalMetrics(j)
	j.trouble.journal = j
	if err := j.restore(); err != nil {
		lock.Close()
		return nil, err
	}
	j.publish()
	j.writing.Go(j.write)
	return j, nil
}

// Last returns the number of the last batch that was in the journal when it was
// opened, 0 when there was none. What is appended must have higher numbers.
func (j *Journal) Last() uint64 { return j.last }

// Replay reads the batches from number from on, for an engine that has served
// those before. It must be called before the first Append. f is called on the
// caller's goroutine with each batch, which is valid until it returns; its error
// ends the replay. What cannot be read, and what is missing, is logged, counted and
// left out.
func (j *Journal) Replay(from uint64, ids *engine.Identities, f func(*engine.Logged) error) error {
	o := ReadOptions{Identities: ids, From: from, Bad: func(err error) {
		if missing, ok := errors.AsType[*MissingError](err); ok {
			j.metrics.missing.AddInt64(int64(missing.Last - missing.First + 1))
		} else {
			j.metrics.damages.Inc()
		}
		j.options.Logger.Error("journal is not whole", "err", err)
		j.options.Notify("tocsin journal", fmt.Sprintf("the journal is not whole: %v", err))
	}}
	return read(j.segments, o, f)
}

// Append implements engine.Log.
func (j *Journal) Append(b *engine.Batch, at engine.Served) {
	j.lag.Add(1)
	e := entry{b, at}
	select {
	case j.queue <- e:
	default:
		j.metrics.waits.Inc()
		j.queue <- e
	}
}

// Checkpointed tells that a checkpoint has everything up to a batch, so that the
// segments behind it are not needed any more. Any goroutine may call it.
func (j *Journal) Checkpointed(position uint64) { j.checkpointed.Store(position) }

// Close writes what was appended, and lets go of the folder. It must be called
// when nobody appends any more. A second call does nothing.
func (j *Journal) Close() error {
	var err error
	j.closing.Do(func() {
		close(j.queue)
		j.writing.Wait()
		if j.file != nil {
			err = j.file.Close()
		}
		err = errors.Join(err, j.lock.Close())
	})
	return err
}
