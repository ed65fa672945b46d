package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// letterTopic writes dead letters to a topic: the record as it was, with headers
// that say where it was and what is wrong with it. They go in batches as the brokers
// allow them by default. What is refused as too large, be it a letter or a batch of
// them, goes alone.
type letterTopic struct {
	client *kgo.Client
	single *kgo.Client // for one at a time
	topic  string
	done   func(error)

	ctx    context.Context // of what goes alone
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	alone  []*kgo.Record
	bytes  int // of alone
	busy   bool
	closed bool
}

// letterOptions are for the client that dead letters go by.
var letterOptions = []kgo.Opt{
	kgo.MaxBufferedRecords(maxLetters),
	kgo.MaxBufferedBytes(waitingLetters),
	kgo.RecordDeliveryTimeout(30 * time.Second),
}

// openLetterTopic makes one that writes by client. reach says how the brokers are
// reached by another one.
func openLetterTopic(client *kgo.Client, reach []kgo.Opt, topic string, done func(error)) (*letterTopic, error) {
	l := &letterTopic{client: client, topic: topic, done: done}
	var err error
	// The topic has its own bound.
	l.single, err = kgo.NewClient(append(reach[:len(reach):len(reach)],
		kgo.ProducerBatchMaxBytes(waitingLetters), kgo.BrokerMaxWriteBytes(100<<20), kgo.RecordDeliveryTimeout(30*time.Second))...)
	if err != nil {
		return nil, fmt.Errorf("cannot make a client for dead letters: %w", err)
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l, nil
}

func (l *letterTopic) put(r *kgo.Record, reason error) {
	headers := append(r.Headers[:len(r.Headers):len(r.Headers)],
		kgo.RecordHeader{Key: "tocsin_topic", Value: []byte(r.Topic)},
		kgo.RecordHeader{Key: "tocsin_partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
		kgo.RecordHeader{Key: "tocsin_offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		kgo.RecordHeader{Key: "tocsin_reason", Value: []byte(reason.Error())},
	)
	letter := &kgo.Record{Topic: l.topic, Key: r.Key, Value: r.Value, Headers: headers, Timestamp: r.Timestamp}
	l.client.TryProduce(context.Background(), letter, func(letter *kgo.Record, err error) {
		if !errors.Is(err, kerr.MessageTooLarge) || !l.putAlone(letter) {
			l.done(err)
		}
	})
}

// putAlone takes a letter that goes alone, and reports whether there is room.
func (l *letterTopic) putAlone(letter *kgo.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.alone) >= maxLetters || l.bytes+len(letter.Value) > waitingLetters {
		return false
	}
	l.alone, l.bytes = append(l.alone, letter), l.bytes+len(letter.Value)
	if !l.busy {
		l.busy = true
		l.wg.Go(l.writeAlone)
	}
	return true
}

// writeAlone writes what goes alone until nothing is left.
func (l *letterTopic) writeAlone() {
	for letter := l.nextAlone(); letter != nil; letter = l.nextAlone() {
		alone := &kgo.Record{Topic: l.topic, Key: letter.Key, Value: letter.Value, Headers: letter.Headers, Timestamp: letter.Timestamp}
		l.done(l.single.ProduceSync(l.ctx, alone).FirstErr())
	}
}

func (l *letterTopic) nextAlone() *kgo.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.alone) == 0 {
		l.busy = false
		return nil
	}
	letter := l.alone[0]
	l.alone, l.bytes = l.alone[1:], l.bytes-len(letter.Value)
	return letter
}

// closeLetters bounds the writing of what waits in the end.
const closeLetters = 5 * time.Second

func (l *letterTopic) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLetters)
	defer cancel()
	err := l.client.Flush(ctx)
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	defer context.AfterFunc(ctx, l.cancel)()
	l.wg.Wait()
	l.cancel()
	l.single.Close()
	return err
}
