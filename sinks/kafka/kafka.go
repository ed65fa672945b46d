// Package kafka writes events to a topic of Kafka.
//
// kafka.go has the options, record.go makes records of events, produce.go has
// them written and says what became of them, sink.go is the sink, and transact.go
// the one that writes in transactions.
package kafka

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/kafka"
)

// Options are what a rules file can set.
type Options struct {
	Brokers  []string       `opt:"brokers,required"`
	ClientID string         `opt:"client_id"`
	TLS      any            `opt:"tls"`
	SASL     *plugins.Table `opt:"sasl"`
	// Topic is where records go. It must be there already.
	Topic string `opt:"topic,required"`
	// Key names the fields and attributes that make a record's key.
	Key []string `opt:"key"`
	// Format is how an event is written.
	Format string `opt:"format"`
	// Compression is one of none, gzip, snappy, lz4, zstd.
	Compression string `opt:"compression"`
	// Acks says who must have a record before it counts as written: all replicas
	// in sync, or the leader alone.
	Acks string `opt:"acks"`
	// Transactional ties what is written to the checkpoints.
	Transactional bool `opt:"transactional"`
	// TransactionalID is what the brokers know this sink by, and nobody else; ""
	// means "tocsin-sink-" and the name of the sink.
	TransactionalID string `opt:"transactional_id"`
	// MaxBytes bounds a batch of records, compressed or not.
	MaxBytes int `opt:"max_bytes"`
	// Timeout is how long to wait for the brokers before it is told.
	Timeout time.Duration `opt:"timeout"`
}

// Defaults are the options that a rules file need not set.
func Defaults() Options {
	return Options{
		Key: []string{"host", "service"}, Format: "json", Compression: "none", Acks: "all",
		MaxBytes: 1_000_012, // as the brokers' own default
		Timeout:  10 * time.Second,
	}
}

func init() {
	plugins.RegisterSink("kafka", Defaults(), func(env plugins.Env, o Options) (engine.Sink, error) {
		return New(env, o)
	})
}

// Cluster says how the brokers are reached.
func (s *Sink) Cluster() *kafka.Cluster { return s.cluster }

// Cluster says how the brokers are reached.
func (s *Transactional) Cluster() *kafka.Cluster { return s.cluster }

var compressions = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

// maxTimeout is how long an outlet lets a call take.
const maxTimeout = 30 * time.Second

// check returns what of the options the client has to know.
func (o *Options) check() ([]kgo.Opt, error) {
	if !kafka.IsTopic(o.Topic) {
		return nil, fmt.Errorf(`option "topic": %q cannot be the name of a topic`, o.Topic)
	}
	if values[o.Format] == nil {
		names := slices.Sorted(maps.Keys(values))
		return nil, fmt.Errorf(`option "format": there is no %q that can be written%s`, o.Format, plugins.DidYouMean(o.Format, names))
	}
	compression, ok := compressions[o.Compression]
	if !ok {
		names := slices.Sorted(maps.Keys(compressions))
		return nil, fmt.Errorf(`option "compression": there is no %q%s`, o.Compression, plugins.DidYouMean(o.Compression, names))
	}
	if o.MaxBytes < 1024 || o.MaxBytes > 100<<20 {
		return nil, errors.New(`option "max_bytes": must be from 1024 to 104857600`)
	}
	if o.Timeout <= 0 || o.Timeout > maxTimeout {
		return nil, errors.New(`option "timeout": must be above 0 and at most 30`)
	}
	switch {
	case o.Transactional && o.Acks != "all":
		return nil, fmt.Errorf(`option "acks": must be "all" for transactional = true, not %q`, o.Acks)
	case !o.Transactional && o.TransactionalID != "":
		return nil, errors.New(`option "transactional_id": means something only with transactional = true`)
	}
	opts := []kgo.Opt{
		kgo.ProducerBatchCompression(compression),
		kgo.ProducerBatchMaxBytes(int32(o.MaxBytes)),
		// A topic that is missing is told soon, and looked for again by the outlet.
		kgo.UnknownTopicRetries(1), kgo.MetadataMinAge(time.Second),
	}
	switch o.Acks {
	case "all":
	case "leader":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	default:
		return nil, fmt.Errorf(`option "acks": must be "all" or "leader", not %q`, o.Acks)
	}
	return opts, nil
}

// New checks the options and makes a sink: a *Sink, or a *Transactional if the
// options say so. It connects to nothing.
func New(env plugins.Env, o Options) (engine.Sink, error) {
	opts, err := o.check()
	if err != nil {
		return nil, err
	}
	key, err := keyFields(o.Key)
	if err != nil {
		return nil, err
	}
	cluster, err := kafka.NewCluster(kafka.Options{Brokers: o.Brokers, ClientID: o.ClientID, TLS: o.TLS, SASL: o.SASL, Dir: env.Dir})
	if err != nil {
		return nil, err
	}
	log, records := kafka.NewLog(env.Logger), encoder{topic: o.Topic, key: key, value: values[o.Format]}
	counter := func(what string) *metrics.Counter {
		return env.Metrics.GetOrCreateCounter(fmt.Sprintf("tocsin_sink_%s_total{sink=%q}", what, env.Name))
	}
	refused, skipped := counter("refused"), counter("skipped")
	if !o.Transactional {
		return &Sink{cluster: cluster, opts: opts, timeout: o.Timeout, log: log, encoder: records, refused: refused, skipped: skipped}, nil
	}
	id := o.TransactionalID
	if id == "" {
		id = "tocsin-sink-" + env.Name
	}
	return &Transactional{cluster: cluster, opts: opts, id: id, timeout: o.Timeout, log: log, encoder: records, refused: refused, skipped: skipped}, nil
}
