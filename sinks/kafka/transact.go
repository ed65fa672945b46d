package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"tocsin/engine"
	"tocsin/plugins/kafka"
)

// Transactional is sink.kafka with transactional = true. The mark of a
// transaction is the metadata of an offset of a group that nobody is a member of,
// committed in the transaction itself.
type Transactional struct {
	cluster *kafka.Cluster
	opts    []kgo.Opt
	id      string // the transactional id, and the name of the group
	timeout time.Duration
	log     *kafka.Log
	client  *kgo.Client // nil: none; Recover makes a new one
	encoder encoder
	refused *metrics.Counter
	skipped *metrics.Counter
}

var _ engine.Transactor = (*Transactional)(nil)

// transactionTimeout is when brokers abort a transaction that nobody ends. Until
// then readers wait for it, unless its producer comes back. The outlet gives a
// call 30 s.
const transactionTimeout = 40 * time.Second

// Open checks what the connection needs. It waits for no broker.
func (s *Transactional) Open(context.Context) error {
	_, err := s.cluster.ClientOptions(s.log)
	return err
}

// Close closes the connections. A transaction that is open is left to the next
// Recover, of whatever program that is.
func (s *Transactional) Close() error {
	if s.client != nil {
		s.client.Close()
		s.client = nil
	}
	return nil
}

// Recover fences all who use the transactional id, which ends their transaction,
// and returns the mark of the last one that was committed.
func (s *Transactional) Recover(ctx context.Context) (mark string, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	// A new client knows nothing of what went wrong with the old one.
	_ = s.Close()
	opts, err := s.cluster.ClientOptions(s.log)
	if err != nil {
		return "", err
	}
	// From version 6 on, the request of putMark names topics by their id.
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(int16(kmsg.TxnOffsetCommit), 5)
	opts = append(opts, kgo.TransactionalID(s.id), kgo.TransactionTimeout(transactionTimeout), kgo.MaxVersions(versions))
	if s.client, err = kgo.NewClient(append(opts, s.opts...)...); err != nil {
		return "", err
	}
	if _, _, err = s.client.ProducerID(ctx); err == nil {
		mark, err = s.fetchMark(ctx)
	}
	if err != nil {
		return "", s.trouble(err)
	}
	return mark, nil
}

func (s *Transactional) fetchMark(ctx context.Context) (mark string, err error) {
	err = again(ctx, func() error {
		req := kmsg.NewPtrOffsetFetchRequest()
		req.Group, req.RequireStable = s.id, true
		topic := kmsg.NewOffsetFetchRequestTopic()
		topic.Topic, topic.Partitions = s.encoder.topic, []int32{0}
		req.Topics = append(req.Topics, topic)
		resp, err := req.RequestWith(ctx, s.client)
		if err != nil {
			return err
		}
		mark = ""
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil && err != kerr.GroupIDNotFound {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
				if p.Metadata != nil {
					mark = *p.Metadata
				}
			}
		}
		return nil
	})
	return mark, err
}

// Transact writes a record for each event that has one in the format, and the
// mark. Records that the brokers will never take are left out, counted and logged;
// if nothing is left, the error is permanent.
func (s *Transactional) Transact(ctx context.Context, mark string, events []engine.Event) error {
	skipped := s.encoder.encode(events)
	if skipped == len(events) {
		return engine.Permanent(fmt.Errorf("none of %d events can be written in this format", skipped))
	}
	t := attempt{Transactional: s, fates: make([]fate, len(s.encoder.records))}
	for {
		if err := s.client.BeginTransaction(); err != nil {
			return s.trouble(err)
		}
		clean, err := t.write(ctx)
		if err != nil {
			return s.trouble(err)
		}
		if clean {
			break
		}
		if err := s.client.EndTransaction(ctx, kgo.TryAbort); err != nil {
			return s.trouble(err)
		}
	}
	if n := len(t.fates); t.refused == n {
		return engine.Permanent(fmt.Errorf("kafka takes none of %d events: %w", n, t.refusal))
	}
	if err := s.putMark(ctx, mark); err != nil {
		return s.trouble(err)
	}
	if err := s.client.EndTransaction(ctx, kgo.TryCommit); err != nil {
		return s.trouble(err)
	}
	// The client may abort where it was told to commit, without an error: when it
	// is not sure that records have been written. The mark is what counts.
	got, err := s.fetchMark(ctx)
	if err == nil && got != mark {
		err = errors.New("the transaction was aborted")
	}
	if err != nil {
		return s.trouble(err)
	}
	t.tellRefused()
	s.skipped.Add(skipped)
	return nil
}

// fate is how a record is written.
type fate byte

const (
	together fate = iota // with the others
	single               // alone, as one of its batch is bad
	left                 // not at all
)

// attempt is what is known of the records of one transaction, from one try to the
// next.
type attempt struct {
	*Transactional
	fates   []fate
	refused int
	refusal error // the last one
}

// write writes the records. It reports whether they were all taken; if not, the
// transaction has to be tried anew without those that were not.
func (t *attempt) write(ctx context.Context) (clean bool, err error) {
	var rounds [][]int
	rounds = append(rounds, nil)
	for i, f := range t.fates {
		switch f {
		case together:
			rounds[0] = append(rounds[0], i)
		case single:
			rounds = append(rounds, []int{i})
		}
	}
	clean = true
	for n, todo := range rounds {
		r := produce(ctx, t.client, t.encoder.records, todo)
		if err := r.wait(ctx, t.client); err != nil {
			return false, err
		}
		for _, i := range todo {
			err := r.errs[i]
			switch {
			case err == nil:
				continue
			case !ofTheRecord(err):
				return false, err
			case n == 0 && len(todo) > 1:
				t.fates[i] = single
			default:
				t.fates[i], t.refusal = left, err
				t.refused++
			}
			clean = false
		}
	}
	return clean, nil
}

// tellRefused tells of what was left out of a transaction that is committed.
func (t *attempt) tellRefused() {
	t.Transactional.refused.Add(t.refused)
	for i, f := range t.fates {
		if f == left {
			r := &t.encoder.records[i]
			t.log.Warn("kafka does not take an event; it is left out", "topic", r.Topic, "key", string(r.Key), "bytes", len(r.Value), "error", t.refusal)
		}
	}
}

// putMark adds the mark to the transaction.
func (s *Transactional) putMark(ctx context.Context, mark string) error {
	id, epoch, err := s.client.ProducerID(ctx)
	if err != nil {
		return err
	}
	err = again(ctx, func() error {
		req := kmsg.NewPtrAddOffsetsToTxnRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = s.id, id, epoch, s.id
		resp, err := req.RequestWith(ctx, s.client)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	if err != nil {
		return err
	}
	return again(ctx, func() error {
		req := kmsg.NewPtrTxnOffsetCommitRequest()
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Group = s.id, id, epoch, s.id
		topic, partition := kmsg.NewTxnOffsetCommitRequestTopic(), kmsg.NewTxnOffsetCommitRequestTopicPartition()
		partition.Metadata = &mark
		topic.Topic, topic.Partitions = s.encoder.topic, append(topic.Partitions, partition)
		req.Topics = append(req.Topics, topic)
		resp, err := req.RequestWith(ctx, s.client)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// againAfter is how long after an answer that says so a request is repeated.
const againAfter = 20 * time.Millisecond

// again calls f until it returns something else than that it is too early.
func again(ctx context.Context, f func() error) error {
	for {
		err := f()
		if _, ok := errors.AsType[*kerr.Error](err); !ok || !kerr.IsRetriable(err) {
			return err
		}
		select {
		case <-time.After(againAfter):
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// trouble explains why a transaction failed.
func (s *Transactional) trouble(err error) error {
	switch {
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		err = fmt.Errorf("%w; another program has begun to use the transactional id %q", err, s.id)
	case errors.Is(err, context.DeadlineExceeded) && s.client != nil:
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if ping := s.client.Ping(ctx); ping != nil {
			err = ping
		}
		err = kafka.Explain(err)
	default:
		err = kafka.Explain(err)
	}
	return fmt.Errorf("cannot write to topic %q at %s in a transaction: %w", s.encoder.topic, s.cluster, err)
}
