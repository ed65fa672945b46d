package kafka

import (
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/plugins/kafka"
)

// deadLetters keep records that make no event. They never hold the good ones up,
// and tell Source.buried what became of each.
type deadLetters interface {
	// put takes a record. Any goroutine may call it.
	put(r *kgo.Record, reason error)
	// close writes what waits, if that does not take too long. Nothing is put any
	// more.
	close() error
}

// At most so many dead letters wait, and so many bytes of them.
const (
	maxLetters     = 10_000
	waitingLetters = 64 << 20
)

func (s *Source) openDeadLetters() (deadLetters, error) {
	where, what, _ := strings.Cut(s.DeadLetter, ":")
	switch where {
	case "topic":
		return openLetterTopic(s.asking, s.reach, what, s.buried)
	case "file":
		if !filepath.IsAbs(what) {
			what = filepath.Join(s.env.Dir, what)
		}
		return openLetterFile(what, int64(s.DeadLetterBytes), s.buried)
	}
	return nil, nil
}

// buried counts a dead letter that is written, or that is lost.
func (s *Source) buried(err error) {
	if err == nil {
		s.counters.dead.Inc()
		return
	}
	s.counters.deadLost.Inc()
	s.log.Warn("a dead letter is lost", "dead_letter", s.DeadLetter, "error", kafka.Explain(err))
}
