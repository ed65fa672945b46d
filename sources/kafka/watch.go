package kafka

import (
	"context"
	"fmt"
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

// watchTopics tells whether the cluster answers, and of topics that are given by
// name and cannot be read.
func (c *consumer) watchTopics(ctx context.Context) {
	names := c.names()
	topics, err := c.askNamed(ctx, names)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		c.unreached(err)
		return
	}
	c.reached()
	for _, name := range names {
		topic, ok := topics[name]
		attr, err := engine.Attr{Key: "topic", Value: name}, topic.err
		if !ok {
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

// askNamed asks for the topics of these names. Without any it only asks whether
// somebody is there.
func (c *consumer) askNamed(ctx context.Context, names []string) (map[string]topic, error) {
	if len(names) > 0 {
		return c.askTopics(ctx, names)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return nil, c.asking.Ping(ctx)
}

// watchLag asks for the ends of our partitions, and tells when too much waits.
func (c *consumer) watchLag(ctx context.Context) {
	all := c.all()
	var keys []partitionKey
	for _, p := range all {
		keys = append(keys, p.partitionKey)
	}
	ends := c.askOffsets(ctx, keys, atEnd, true)
	if ctx.Err() != nil {
		return
	}
	lag, failed := make(map[string]int64), make(map[string]error)
	for _, p := range all {
		switch end := ends[p.partitionKey]; end.err {
		case nil:
			p.end.Store(end.offset)
		case kerr.UnknownTopicOrPartition: // it was deleted
		default:
			failed[p.topic] = end.err
		}
		lag[p.topic] += p.lag()
	}
	for name, waiting := range lag {
		c.tellLag(name, waiting)
		c.tellSilent(name, failed[name])
	}
	for name := range c.silent {
		if _, ours := lag[name]; !ours {
			c.tellLag(name, 0)
			c.tellSilent(name, nil)
			delete(c.silent, name)
		}
	}
}

// tellSilent tells when partitions of a topic have not answered twice in a row,
// though the cluster does: they may have no leader.
func (c *consumer) tellSilent(topic string, err error) {
	attr := engine.Attr{Key: "topic", Value: topic}
	switch {
	case err == nil:
		c.silent[topic] = 0
		c.troubles.end("silent "+topic, "all partitions of a topic answer again", attr)
		return
	case c.Ready() != nil:
		c.silent[topic] = 0 // it is told of the cluster
		return
	}
	c.counters.errors.Inc()
	if c.silent[topic]++; c.silent[topic] > 1 {
		c.troubles.begin("silent "+topic, "partitions of a topic do not answer", err, attr)
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
