package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/plugins/kafka"
)

// The topics of the shop.
const (
	demoLines    = "shop-lines"
	demoCollect  = "shop-collectd"
	demoStates   = "shop-states"
	demoBroker   = "127.0.0.1:9092" // as it stands in the shop's file
	topicParts   = 3
	topicTimeout = 10 * time.Second
)

// shopTopics sends to topics, as the machines of a shop with Kafka do.
type shopTopics struct {
	broker string
	fake   *kfake.Cluster // nil: the broker is a real one
	client *kgo.Client
}

// openTopics reaches a broker, or starts one in this process when broker is "",
// and makes the topics that are not there.
func openTopics(ctx context.Context, broker string, logger *slog.Logger) (*shopTopics, error) {
	w := &shopTopics{broker: broker}
	if broker == "" {
		var err error
		if w.fake, err = kfake.NewCluster(kfake.NumBrokers(1)); err != nil {
			return nil, fmt.Errorf("cannot start a broker: %w", err)
		}
		w.broker = w.fake.ListenAddrs()[0]
	}
	if err := w.open(ctx, logger); err != nil {
		w.end()
		return nil, fmt.Errorf("cannot make the topics of the demo at %s: %w", w.broker, kafka.Explain(err))
	}
	return w, nil
}

func (w *shopTopics) open(ctx context.Context, logger *slog.Logger) error {
	cluster, err := kafka.NewCluster(kafka.Options{Brokers: []string{w.broker}, ClientID: "tocsin-demo"})
	if err != nil {
		return err
	}
	options, err := cluster.ClientOptions(kafka.NewLog(logger))
	if err != nil {
		return err
	}
	if w.client, err = kgo.NewClient(options...); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, topicTimeout)
	defer cancel()
	answers, err := kadm.NewClient(w.client).CreateTopics(ctx, topicParts, -1, nil, demoLines, demoCollect, demoStates)
	if err != nil {
		return err
	}
	for _, topic := range answers.Sorted() {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("topic %q: %w", topic.Topic, topic.Err)
		}
	}
	return nil
}

// end lets go of the broker.
func (w *shopTopics) end() {
	if w.client != nil {
		w.client.Close()
	}
	if w.fake != nil {
		w.fake.Close()
	}
}

// close is for shopWay: the client finds its broker again by itself.
func (w *shopTopics) close() {}

func (w *shopTopics) sendLines(ctx context.Context, lines []byte) error {
	return w.send(ctx, &kgo.Record{Topic: demoLines, Value: lines})
}

// sendCPUs writes value lists as write_kafka does.
func (w *shopTopics) sendCPUs(ctx context.Context, cpus []shopCPU, now time.Time) error {
	var records []*kgo.Record
	for _, c := range cpus {
		value := fmt.Appendf(nil, `[{"values":[%g],"dstypes":["gauge"],"dsnames":["value"],"time":%d.%03d,"interval":1.000,`+
			`"host":%q,"plugin":"cpu","plugin_instance":"","type":"percent","type_instance":"user"}]`,
			c.percent, now.Unix(), now.Nanosecond()/1e6, c.host)
		records = append(records, &kgo.Record{Topic: demoCollect, Key: []byte(c.host), Value: value})
	}
	return w.send(ctx, records...)
}

func (w *shopTopics) send(ctx context.Context, records ...*kgo.Record) error {
	if err := w.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("cannot send to %s: %w", w.broker, kafka.Explain(err))
	}
	return nil
}
