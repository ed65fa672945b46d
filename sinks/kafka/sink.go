package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins/kafka"
)

// Sink is sink.kafka.
type Sink struct {
	cluster *kafka.Cluster
	opts    []kgo.Opt
	timeout time.Duration
	log     *kafka.Log
	client  *kgo.Client // from Open on
	encoder encoder
	refused *metrics.Counter
	skipped *metrics.Counter

	// Of the batch in hand, from one try to the next:
	round *round // nil: none is under way
	todo  []int  // the records of the round, or of the next one
	alone []int  // records that are to be sent one by one
}

var _ engine.Forwarder = (*Sink)(nil)

// Open makes a client. It waits for no broker: they may be away for a while.
func (s *Sink) Open(context.Context) error {
	opts, err := s.cluster.ClientOptions(s.log)
	if err != nil {
		return err
	}
	s.client, err = kgo.NewClient(append(opts, s.opts...)...)
	return err
}

// Close closes the connections. What no broker has acknowledged by then may be
// written or not.
func (s *Sink) Close() error {
	if s.client != nil {
		s.client.Close()
	}
	return nil
}

// Forward writes a record for each event that has one in the format. After an error it is called with the
// same events, and goes on where it was: no record is written twice, unless the
// program ends between. A record that the brokers will never take is left out,
// counted and logged.
func (s *Sink) Forward(ctx context.Context, events []engine.Event) error {
	if s.round == nil && len(s.todo)+len(s.alone) == 0 {
		s.skipped.Add(s.encoder.encode(events))
		for i := range s.encoder.records {
			s.todo = append(s.todo, i)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for {
		err := s.tryRest(ctx)
		if err != nil || len(s.alone) == 0 {
			return err
		}
		// Which of the records of a batch is the bad one, the broker does not tell.
		s.todo, s.alone = append(s.todo, s.alone[0]), s.alone[1:]
	}
}

// tryRest begins or goes on with a round of what is to do.
func (s *Sink) tryRest(ctx context.Context) error {
	if s.round == nil {
		// The client has the records for good: the next call waits for them again.
		s.round = produce(context.Background(), s.client, s.encoder.records, s.todo)
	}
	if err := s.round.wait(ctx, s.client); err != nil {
		return s.late(err)
	}
	sent := s.todo
	errs := s.round.errs
	s.round, s.todo = nil, s.todo[:0]
	var failed error
	for _, i := range sent {
		err := errs[i]
		switch {
		case err == nil:
		case !ofTheRecord(err):
			s.todo = append(s.todo, i)
			failed = err
		case len(sent) > 1:
			s.alone = append(s.alone, i)
		default:
			s.refuse(i, err)
		}
	}
	if failed != nil {
		return fmt.Errorf("cannot write %d records to topic %q: %w", len(s.todo), s.encoder.topic, kafka.Explain(failed))
	}
	return nil
}

// refuse gives up a record.
func (s *Sink) refuse(i int, err error) {
	s.refused.Inc()
	r := &s.encoder.records[i]
	s.log.Warn("kafka does not take an event; it is left out", "topic", r.Topic, "key", string(r.Key), "bytes", len(r.Value), "error", err)
}

// late is the error for records that nobody has acknowledged in time. The client
// goes on trying; what keeps it from it, it tells somebody who asks.
func (s *Sink) late(err error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if ping := s.client.Ping(ctx); ping != nil {
		err = kafka.Explain(ping)
	} else if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no acknowledgement within %v: has the partition a leader, and enough replicas in sync?", s.timeout)
	}
	return fmt.Errorf("cannot write %d records to topic %q at %s: %w", s.round.left.Load(), s.encoder.topic, s.cluster, err)
}
