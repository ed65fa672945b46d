// Package store keeps the checkpoints of an engine in a file, by buntdb.
//
// A checkpoint is committed whole or not at all: Open finds the state after
// the last one that was, whenever the program or the machine went down. A file
// that is damaged is read up to the break, and kept aside. format.go says what
// is in the file.
package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/tidwall/buntdb"

	"tocsin/engine"
)

// Options say how to open a Store. A zero value means the default.
type Options struct {
	// Logger is told of trouble while shrinking, which nobody else hears of.
	Logger *slog.Logger
	// Metrics is where tocsin_store_… go; the default is a private set.
	Metrics *metrics.Set
}

// Store is a file that keeps records from one run of the program to the next.
// Its methods may be called from any goroutine.
type Store struct {
	path     string
	logger   *slog.Logger
	metrics  storeMetrics
	recovery Recovery
	lock     *os.File

	// mu is held while a checkpoint is committed and while the file is shrunk.
	mu       sync.Mutex
	db       *buntdb.DB
	file     *os.File // buntdb syncs too, but does not tell when that fails
	last     mark     // of the last checkpoint
	records  int
	live     int64 // bytes of a file that has nothing but the records
	size     int64 // of the file
	doubtful bool  // the file must be written anew: not all of it may be on disk
	halfway  bool  // a shrink ended between the old file and the new one
	broken   error // buntdb is of no use any more
	closed   bool

	shrinkAbove int64 // bytes of the file
	shrinkNext  time.Time
	shrinking   sync.WaitGroup
}

var _ engine.Records = (*Store)(nil)

// The least size of a file that is shrunk.
const shrinkAbove = 64 << 20

// Open opens the store in the file of that name and makes one if there is
// none. It takes back what makes no whole checkpoint; Recovered tells of that.
// It fails, and leaves the file as it was, when the file is no store, one of a
// newer version, or open already.
func Open(path string, o Options) (*Store, error) {
	s := &Store{path: path, logger: o.Logger, shrinkAbove: shrinkAbove}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = metrics.NewSet()
	}
	s.metrics = newStoreMetrics(o.Metrics)
	if err := s.open(); err != nil {
		s.release()
		return nil, fmt.Errorf("cannot open store %q: %w", path, err)
	}
	return s, nil
}

func (s *Store) open() (err error) {
	if real, err := filepath.EvalSymlinks(s.path); err == nil {
		s.path = real // shrinking puts another file in its place
	}
	if s.lock, err = lockFile(s.path + ".lock"); err != nil {
		return err
	}
	if err := s.recover(); err != nil {
		return err
	}
	if s.file, err = os.OpenFile(s.path, os.O_RDWR, 0); err != nil {
		return err
	}
	db, err := buntdb.Open(s.path)
	if err != nil {
		return err
	}
	s.db = db
	if err := db.SetConfig(buntdb.Config{SyncPolicy: buntdb.Never, AutoShrinkDisabled: true}); err != nil {
		return err
	}
	if err := s.count(); err != nil {
		return err
	}
	s.recovery.Records = s.records
	return s.measure()
}

// count finds out how many records there are and what they take.
func (s *Store) count() error {
	return s.db.View(func(tx *buntdb.Tx) error {
		return tx.Ascend("", func(key, sealed string) bool {
			if strings.HasPrefix(key, recordPrefix) {
				s.records++
				s.live += setSize(key, sealed)
			}
			return true
		})
	})
}

// measure looks how long the file is.
func (s *Store) measure() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	s.metrics.bytes.Set(float64(s.size))
	s.metrics.live.Set(float64(s.live))
	s.metrics.records.Set(float64(s.records))
	return nil
}

// Recovered tells what Open found.
func (s *Store) Recovered() Recovery { return s.recovery }

// Get implements engine.Records.
func (s *Store) Get(key string) (value string, ok bool) {
	err := s.db.View(func(tx *buntdb.Tx) error {
		sealed, err := tx.Get(recordPrefix + key)
		if err == nil {
			value, ok = unsealed(sealed), true
		}
		return err
	})
	if err != nil && !errors.Is(err, buntdb.ErrNotFound) {
		s.logger.Error("cannot read from the store", "error", err)
	}
	return value, ok
}

// How many records Each reads at a time.
const eachRecords = 1024

// Each implements engine.Records. It holds no lock while it calls f.
func (s *Store) Each(prefix string, f func(key, value string)) {
	type record struct{ key, sealed string }
	page := make([]record, 0, eachRecords)
	for pivot := recordPrefix + prefix; ; {
		page = page[:0]
		err := s.db.View(func(tx *buntdb.Tx) error {
			return tx.AscendGreaterOrEqual("", pivot, func(key, sealed string) bool {
				if len(page) == eachRecords || !strings.HasPrefix(key, recordPrefix+prefix) {
					return false
				}
				page = append(page, record{key, sealed})
				return true
			})
		})
		if err != nil {
			s.logger.Error("cannot read from the store", "error", err)
			return
		}
		for _, r := range page {
			f(r.key[len(recordPrefix):], unsealed(r.sealed))
		}
		if len(page) < eachRecords {
			return
		}
		pivot = page[len(page)-1].key + "\x00"
	}
}

// Close waits for a shrink and closes the file. Only what was not committed is
// lost. A second call does nothing.
func (s *Store) Close() error {
	s.shrinking.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.release()
	if err != nil {
		return fmt.Errorf("cannot close store %q: %w", s.path, err)
	}
	return nil
}

// release lets go of whatever is open. The file goes to the next who wants it
// last.
func (s *Store) release() error {
	var errs []error
	if s.db != nil && s.broken == nil { // a broken one keeps its lock
		errs = append(errs, s.db.Close())
	}
	for _, f := range []*os.File{s.file, s.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// syncDir makes what happened to names in the folder of path durable.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
