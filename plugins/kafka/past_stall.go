package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stalled is for when nothing comes. If the brokers answer fetches again and again,
// then what was to come is gone: compacted, or taken by retention.
func (p *Past) stalled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pastTimeout)
	defer cancel()
	if _, err := listed(kadm.NewClient(p.client).ListEndOffsets(ctx, p.topic)); err != nil {
		return fmt.Errorf("nothing has come for %v: %w", p.idle, Explain(err))
	}
	if p.stalls < pastStalls {
		return nil
	}
	for _, q := range p.partitions {
		leader, _, err := p.client.PartitionLeader(p.topic, q.number)
		switch {
		case len(q.records) > 0 || q.next >= q.end || err == nil && p.answers.from(leader) > 1:
		case p.stalls < mostStalls:
			return nil
		default:
			return fmt.Errorf("nothing has come of partition %d from offset %d for %v, though its broker is there", q.number, q.next, mostStalls*p.idle)
		}
	}
	p.log.Warn("records at the end of partitions are gone", "topic", p.topic)
	for _, q := range p.partitions {
		if len(q.records) == 0 {
			p.passed += q.end - q.read
			q.next, q.read = q.end, q.end
		}
	}
	return nil
}

// answers counts the fetches that brokers have answered.
type answers struct {
	mu    sync.Mutex
	count map[int32]int // by broker
}

var _ kgo.HookBrokerRead = (*answers)(nil)

// OnBrokerRead is called by the client.
func (a *answers) OnBrokerRead(broker kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key != int16(kmsg.Fetch) || err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = make(map[int32]int)
	}
	a.count[broker.NodeID]++
}

func (a *answers) from(broker int32) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count[broker]
}

func (a *answers) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.count)
}
