package kafka

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// logEvery is how often one message is logged at most.
	logEvery = 10 * time.Second
	// maxMessages bounds the messages that are told apart.
	maxMessages = 256
)

// Log writes warnings, one line of a message each ten seconds at most. The
// client's own go through it, too. Its methods may be called from any
// goroutine.
type Log struct {
	logger *slog.Logger

	mu       sync.Mutex
	messages map[string]*message
}

type message struct {
	next   time.Time // when it may be written again
	hidden int       // lines left out since it was written
}

var _ kgo.Logger = (*Log)(nil)

// NewLog makes a log that writes to logger.
func NewLog(logger *slog.Logger) *Log {
	return &Log{logger: logger, messages: make(map[string]*message)}
}

// Warn writes a line, unless the same message was written shortly before.
// not_logged says how many were left out since.
func (l *Log) Warn(text string, args ...any) { l.write(slog.LevelWarn, text, args) }

// Info is Warn for what is no trouble.
func (l *Log) Info(text string, args ...any) { l.write(slog.LevelInfo, text, args) }

// Level has the client tell of warnings and errors only.
func (l *Log) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log is called by the client.
func (l *Log) Log(level kgo.LogLevel, text string, args ...any) {
	if level == kgo.LogLevelError || level == kgo.LogLevelWarn {
		l.write(slog.LevelWarn, "kafka client: "+text, args)
	}
}

func (l *Log) write(level slog.Level, text string, args []any) {
	hidden, ok := l.admit(text, time.Now())
	if !ok {
		return
	}
	if hidden > 0 {
		args = append(args[:len(args):len(args)], "not_logged", hidden)
	}
	l.logger.Log(context.Background(), level, text, args...)
}

// admit says whether the message may be written now.
func (l *Log) admit(text string, now time.Time) (hidden int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.messages[text]
	if m == nil {
		if len(l.messages) >= maxMessages {
			clear(l.messages)
		}
		l.messages[text] = &message{next: now.Add(logEvery)}
		return 0, true
	}
	if now.Before(m.next) {
		m.hidden++
		return 0, false
	}
	hidden, m.hidden, m.next = m.hidden, 0, now.Add(logEvery)
	return hidden, true
}
