package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// letter is a line of a file of dead letters.
type letter struct {
	Topic     string            `json:"topic"`
	Partition int32             `json:"partition"`
	Offset    int64             `json:"offset"`
	Time      float64           `json:"time"`
	Reason    string            `json:"reason"`
	Key       string            `json:"key,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	Value     string            `json:"value,omitempty"`
	// Base64 is the value when it is not text.
	Base64 []byte `json:"value_base64,omitempty"`
}

func letterLine(r *kgo.Record, reason error) ([]byte, error) {
	l := letter{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: float64(r.Timestamp.UnixMilli()) / 1000,
		Reason: reason.Error(), Key: string(r.Key),
	}
	for _, h := range r.Headers {
		if l.Headers == nil {
			l.Headers = make(map[string]string)
		}
		l.Headers[h.Key] = string(h.Value)
	}
	if utf8.Valid(r.Value) {
		l.Value = string(r.Value)
	} else {
		l.Base64 = r.Value
	}
	line, err := json.Marshal(l)
	return append(line, '\n'), err
}

// letterFile writes dead letters to a file, one JSON object a line. A full file
// becomes PATH.1, and what was PATH.1 goes.
type letterFile struct {
	path  string
	limit int64
	done  func(error)

	lines   chan []byte
	waiting atomic.Int64 // bytes
	once    sync.Once
	wg      sync.WaitGroup

	file *os.File // of the goroutine that writes
	size int64
}

func openLetterFile(path string, limit int64, done func(error)) (*letterFile, error) {
	l := &letterFile{path: path, limit: limit, done: done, lines: make(chan []byte, maxLetters)}
	if err := l.open(); err != nil {
		return nil, err
	}
	l.wg.Go(l.write)
	return l, nil
}

func (l *letterFile) open() error {
	file, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the file of dead_letter: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return fmt.Errorf("cannot open the file of dead_letter: %w", err)
	}
	l.file, l.size = file, info.Size()
	return nil
}

var errTooManyLetters = errors.New("too many dead letters wait already")

func (l *letterFile) put(r *kgo.Record, reason error) {
	if l.waiting.Load() > waitingLetters {
		l.done(errTooManyLetters)
		return
	}
	line, err := letterLine(r, reason)
	if err != nil {
		l.done(err)
		return
	}
	l.waiting.Add(int64(len(line)))
	select {
	case l.lines <- line:
	default:
		l.waiting.Add(-int64(len(line)))
		l.done(errTooManyLetters)
	}
}

func (l *letterFile) write() {
	for line := range l.lines {
		l.waiting.Add(-int64(len(line)))
		l.done(l.append(line))
	}
}

func (l *letterFile) append(line []byte) error {
	if l.file != nil && l.size > 0 && l.size+int64(len(line)) > l.limit {
		l.file.Close()
		l.file = nil
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return err
		}
	}
	if l.file == nil {
		if err := l.open(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return err
}

func (l *letterFile) close() error {
	l.once.Do(func() { close(l.lines) })
	l.wg.Wait()
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
