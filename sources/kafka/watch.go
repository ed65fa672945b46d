package kafka

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"tocsin/engine"
	"tocsin/plugins/kafka"
)

// lagEvery is how often the ends of the partitions are asked for.
const lagEvery = 5 * time.Second

// watch tells the group how far we are, and measures how far we are behind, until
// ctx is done.
func (c *consumer) watch(ctx context.Context) {
	commit, lag := time.NewTicker(commitLook), time.NewTicker(c.lagEvery)
	defer commit.Stop()
	defer lag.Stop()
	c.watchTopics(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-commit.C:
			c.tellGroup()
		case <-lag.C:
			c.watchTopics(ctx)
			c.watchLag(ctx)
		}
	}
}

// watchTopics tells of topics that are given by name and cannot be read.
func (c *consumer) watchTopics(ctx context.Context) {
	names := c.names()
	if len(names) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	topics, err := c.admin.ListTopics(ctx, names...)
	if err != nil {
		if ctx.Err() == nil || ctx.Err() == context.DeadlineExceeded {
			c.unreached(err)
		}
		return
	}
	for _, name := range names {
		topic, ok := topics[name]
		attr := engine.Attr{Key: "topic", Value: name}
		err := topic.Err
		if !ok && err == nil {
			err = kerr.UnknownTopicOrPartition
		}
		switch {
		case err == nil:
			if c.troubles.end("topic "+name, "a topic can be read", attr) {
				c.client.ForceMetadataRefresh() // beside patterns it is looked for every metadataAge only
			}
		case kafka.Refused(err) || !kerr.IsRetriable(err) || err == kerr.UnknownTopicOrPartition:
			c.troubles.begin("topic "+name, "a topic cannot be read", err, attr)
		}
	}
}

// watchLag asks for the ends of our partitions, and tells when too much waits.
func (c *consumer) watchLag(ctx context.Context) {
	var topics []string
	all := c.all()
	for _, p := range all {
		if !slices.Contains(topics, p.topic) {
			topics = append(topics, p.topic)
		}
	}
	if len(topics) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ends, err := c.admin.ListCommittedOffsets(ctx, topics...)
	if err != nil {
		if ctx.Err() == nil || ctx.Err() == context.DeadlineExceeded {
			c.unreached(err)
		}
		return
	}
	c.reached()
	lag := make(map[string]int64)
	for _, p := range all {
		if o, ok := ends.Lookup(p.topic, p.number); ok && o.Err == nil {
			p.end.Store(o.Offset)
		}
		lag[p.topic] += p.lag()
	}
	for _, topic := range topics {
		c.tellLag(topic, lag[topic])
	}
}

// tellLag tells when more than max_lag records of a topic wait, and when half of
// that is reached again.
func (c *consumer) tellLag(topic string, lag int64) {
	attrs := []engine.Attr{{Key: "topic", Value: topic}, {Key: "lag", Value: strconv.FormatInt(lag, 10)}}
	switch {
	case c.MaxLag == 0:
	case lag > int64(c.MaxLag):
		c.troubles.begin("lag "+topic, "we are behind", fmt.Errorf("more than max_lag (%d) records wait", c.MaxLag), attrs...)
	case lag <= int64(c.MaxLag)/2:
		c.troubles.end("lag "+topic, "we have caught up", attrs...)
	}
}
