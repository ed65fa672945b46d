package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/plugins/kafka"
)

// deadLetters keep records that make no event. They never hold the good ones up.
type deadLetters interface {
	// put takes a record, and fails when too many wait. Any goroutine may call it.
	put(r *kgo.Record, reason error) error
	// close writes what waits, if that does not take too long.
	close() error
}

// waitingLetters bounds the bytes of dead letters that wait.
const waitingLetters = 64 << 20

var errTooManyLetters = errors.New("too many dead letters wait already")

// deadLetterOptions are for the client that dead letters go to a topic by.
var deadLetterOptions = []kgo.Opt{
	kgo.MaxBufferedRecords(10_000),
	kgo.MaxBufferedBytes(waitingLetters),
	kgo.ProducerBatchMaxBytes(64 << 20), // the topic has its own bound
	kgo.BrokerMaxWriteBytes(100 << 20),
	kgo.RecordDeliveryTimeout(30 * time.Second),
}

func (s *Source) openDeadLetters() (deadLetters, error) {
	where, what, _ := strings.Cut(s.DeadLetter, ":")
	switch where {
	case "topic":
		return &letterTopic{client: s.asking, topic: what, lost: s.lost}, nil
	case "file":
		if !filepath.IsAbs(what) {
			what = filepath.Join(s.env.Dir, what)
		}
		return openLetterFile(what, int64(s.DeadLetterBytes), s.lost)
	}
	return nil, nil
}

// lost counts a dead letter that could not be written.
func (s *Source) lost(err error) {
	s.counters.deadLost.Inc()
	s.log.Warn("a dead letter is lost", "dead_letter", s.DeadLetter, "error", kafka.Explain(err))
}

// letterTopic writes dead letters to a topic: the record as it was, with headers
// that say where it was and what is wrong with it.
type letterTopic struct {
	client *kgo.Client
	topic  string
	lost   func(error)
}

func (l *letterTopic) put(r *kgo.Record, reason error) error {
	headers := append(r.Headers[:len(r.Headers):len(r.Headers)],
		kgo.RecordHeader{Key: "tocsin_topic", Value: []byte(r.Topic)},
		kgo.RecordHeader{Key: "tocsin_partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
		kgo.RecordHeader{Key: "tocsin_offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		kgo.RecordHeader{Key: "tocsin_reason", Value: []byte(reason.Error())},
	)
	letter := &kgo.Record{Topic: l.topic, Key: r.Key, Value: r.Value, Headers: headers, Timestamp: r.Timestamp}
	l.client.TryProduce(context.Background(), letter, func(_ *kgo.Record, err error) {
		if err != nil {
			l.lost(err)
		}
	})
	return nil
}

// closeLetters bounds the writing of what waits in the end.
const closeLetters = 5 * time.Second

func (l *letterTopic) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLetters)
	defer cancel()
	return l.client.Flush(ctx)
}

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
	lost  func(error)

	lines   chan []byte
	waiting atomic.Int64 // bytes
	once    sync.Once
	wg      sync.WaitGroup

	file *os.File // of the goroutine that writes
	size int64
}

func openLetterFile(path string, limit int64, lost func(error)) (*letterFile, error) {
	l := &letterFile{path: path, limit: limit, lost: lost, lines: make(chan []byte, 1024)}
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

func (l *letterFile) put(r *kgo.Record, reason error) error {
	if l.waiting.Load() > waitingLetters {
		return errTooManyLetters
	}
	line, err := letterLine(r, reason)
	if err != nil {
		return err
	}
	select {
	case l.lines <- line:
		l.waiting.Add(int64(len(line)))
		return nil
	default:
		return errTooManyLetters
	}
}

func (l *letterFile) write() {
	for line := range l.lines {
		l.waiting.Add(-int64(len(line)))
		if err := l.append(line); err != nil {
			l.lost(err)
		}
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
