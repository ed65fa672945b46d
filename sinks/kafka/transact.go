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
	t := s.newAttempt()
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
	if n := len(s.encoder.records); len(t.refused) == n {
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

// attempt is what is known of the records of one transaction, from one try to the
// next.
type attempt struct {
	*Transactional
	groups  [][]int // the records that are written, and which of them together
	refused []int   // those that are not taken, even alone
	refusal error   // why the last one is not
}

func (s *Transactional) newAttempt() *attempt {
	all := make([]int, len(s.encoder.records))
	for i := range all {
		all[i] = i
	}
	return &attempt{Transactional: s, groups: [][]int{all}}
}

// write writes the records. It reports whether they were all taken; if not, the
// transaction has to be tried anew. Which record of a batch is the bad one, or that
// only all together are too large, the broker does not tell: so those of the batch
// go in two groups then.
func (t *attempt) write(ctx context.Context) (clean bool, err error) {
	var next [][]int
	clean = true
	for _, group := range t.groups {
		r := produce(ctx, t.client, t.encoder.records, group)
		if err := r.wait(ctx, t.client); err != nil {
			return false, err
		}
		var taken, not []int
		for _, i := range group {
			switch err := r.errs[i]; {
			case err == nil:
				taken = append(taken, i)
			case !ofTheRecord(err):
				return false, err
			default:
				not, t.refusal = append(not, i), err
			}
		}
		clean = clean && len(not) == 0
		if len(group) == 1 {
			t.refused = append(t.refused, not...)
			not = nil
		}
		half := len(not) / 2
		for _, g := range [][]int{taken, not[:half], not[half:]} {
			if len(g) > 0 {
				next = append(next, g)
			}
		}
	}
	t.groups = next
	return clean, nil
}

// tellRefused tells of what was left out of a transaction that is committed.
func (t *attempt) tellRefused() {
	t.Transactional.refused.Add(len(t.refused))
	for _, i := range t.refused {
		r := &t.encoder.records[i]
		t.log.Warn("kafka does not take an event; it is left out", "topic", r.Topic, "key", string(r.Key), "bytes", len(r.Value), "error", t.refusal)
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
