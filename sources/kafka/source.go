package kafka

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/kafka"
	"tocsin/plugins/payload"
	"tocsin/plugins/valuelist"
)

// Bounds on how long things may take.
const (
	askTimeout   = 10 * time.Second // one question to the cluster
	reachPause   = time.Second      // between attempts to reach it, at first
	longestPause = 10 * time.Second // and in the end
	metadataAge  = 30 * time.Second // until new partitions and topics are found
	handOver     = 10 * time.Second // for what was read to be kept when partitions go
	endHandOver  = 2 * time.Second  // and when the source ends
)

// Source is source.kafka.
type Source struct {
	*settings
	env      plugins.Env
	log      *kafka.Log
	counters *counters
	// As the constants, but in tests.
	handOver, endHandOver time.Duration
	lagEvery              time.Duration

	away atomic.Pointer[error] // why nothing comes in

	// From Open on:
	reach  []kgo.Opt
	types  *valuelist.Types
	asking *kgo.Client // for all but the records
	dead   deadLetters
}

var (
	_ engine.Source  = (*Source)(nil)
	_ engine.Readier = (*Source)(nil)
)

// New checks the options and makes a source. It opens nothing.
func New(env plugins.Env, o Options) (*Source, error) {
	s, err := o.check(env.Dir)
	if err != nil {
		return nil, err
	}
	return &Source{
		settings: s, env: env, log: kafka.NewLog(env.Logger), counters: newCounters(env.Metrics, env.Name),
		handOver: handOver, endHandOver: endHandOver, lagEvery: lagEvery,
	}, nil
}

// Open reads the certificates and types_db, and opens the file of dead letters. It does not
// wait for a broker: Run does.
func (s *Source) Open(context.Context) (err error) {
	if s.reach, err = s.cluster.ClientOptions(s.log); err != nil {
		return err
	}
	if s.types, err = valuelist.ReadTypes(s.env.Dir, s.TypesDB); err != nil {
		return err
	}
	s.reach = append(s.reach, kgo.MetadataMaxAge(metadataAge), kgo.MetadataMinAge(time.Second))
	asking := append(s.reach[:len(s.reach):len(s.reach)], letterOptions...)
	if s.asking, err = kgo.NewClient(asking...); err != nil {
		return fmt.Errorf("cannot make a client for %s: %w", s.cluster, err)
	}
	if s.dead, err = s.openDeadLetters(); err != nil {
		s.asking.Close()
		return err
	}
	s.setAway(fmt.Errorf("waiting for Kafka at %s", s.cluster))
	return nil
}

// Ready returns nil while the cluster answers.
func (s *Source) Ready() error {
	if err := s.away.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *Source) setAway(err error) { s.away.Store(&err) }

// Close closes what Open opened.
func (s *Source) Close() error {
	var err error
	if s.dead != nil {
		err = s.dead.close()
	}
	s.asking.Close()
	return err
}

// Run reads until ctx is done.
func (s *Source) Run(ctx context.Context, in engine.Input) error {
	defer s.Close()
	defer s.away.Store(nil)
	c := &consumer{
		Source: s, in: in, admin: kadm.NewClient(s.asking),
		troubles:   newTroubles(s.log, in),
		partitions: make(map[partitionKey]*partition),
		room:       newRoom(s.FetchBytes),
		anew:       make(map[string]bool),
		renewed:    make(map[string]bool),
		silent:     make(map[string]int),
		late:       make(map[partitionKey]*partition),
	}
	if !c.awaitCluster(ctx) {
		return nil
	}
	opts := append(s.reach[:len(s.reach):len(s.reach)], c.clientOptions()...)
	work, err := c.newWorkers()
	if err != nil {
		return err
	}
	if c.client, err = kgo.NewClient(opts...); err != nil {
		return fmt.Errorf("cannot make a client for %s: %w", s.cluster, err)
	}
	var workers, watch sync.WaitGroup
	for _, w := range work {
		workers.Go(func() { w.run(ctx) })
	}
	watch.Go(func() { c.watch(ctx) })
	c.poll(ctx)
	watch.Wait()
	c.leave()
	for _, queue := range c.queues {
		close(queue)
	}
	workers.Wait()
	return nil
}

// newWorkers makes as many as there are cores. What they share is made once.
func (c *consumer) newWorkers() ([]*worker, error) {
	names := payload.NewNames()
	var out []*worker
	for range runtime.GOMAXPROCS(0) {
		decoder, err := payload.New(c.Format, c.in.Identities(), payload.Options{Names: names, Naming: c.naming, Types: c.types, Gap: c.counters.gaps.Inc})
		if err != nil {
			return nil, err
		}
		queue := make(chan chunk, 1)
		c.queues = append(c.queues, queue)
		out = append(out, newWorker(c, decoder, queue))
	}
	return out, nil
}

// wanted are the topics that are asked for: none, for all, when there are patterns.
func (c *consumer) wanted() []string {
	if c.patterns {
		return nil
	}
	return c.topics
}

// awaitCluster asks for the topics until there is an answer. It reports false
// when ctx is done before.
func (c *consumer) awaitCluster(ctx context.Context) bool {
	for pause := reachPause; ; pause = min(2*pause, longestPause) {
		topics, err := c.askTopics(ctx, c.wanted())
		if err == nil {
			c.reached()
			c.existed = topics
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		c.unreached(err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
}

func (c *consumer) reached() {
	c.away.Store(nil)
	c.troubles.end("brokers", "Kafka answers again")
	c.troubles.end("refused", "Kafka lets us in again")
}

func (c *consumer) unreached(err error) {
	c.counters.errors.Inc()
	c.setAway(fmt.Errorf("cannot reach Kafka: %w", kafka.Explain(err)))
	if kafka.Refused(err) {
		c.troubles.begin("refused", "Kafka refuses us", err, brokersAttr(c.cluster))
		return
	}
	c.troubles.begin("brokers", "cannot reach Kafka", err, brokersAttr(c.cluster))
}

func brokersAttr(c *kafka.Cluster) engine.Attr {
	return engine.Attr{Key: "brokers", Value: c.String()}
}
