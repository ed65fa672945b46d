package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/kafka"
	"tocsin/plugins/payload"
	"tocsin/rules"
	sources "tocsin/sources/kafka"
)

// kafkaPrefix is before what names a topic of Kafka.
const kafkaPrefix = "kafka://"

// kafkaLag is how much earlier or later than its events a record may have been
// written. With --since and --until so much more is read.
const kafkaLag = 5 * time.Minute

// kafkaURL is kafka://BROKER,BROKER/TOPIC?format=FORMAT&source=NAME. Without
// brokers, they are those of the rules file's source.kafka. How they are reached
// is never part of it.
type kafkaURL struct {
	brokers []string
	topic   string
	format  string // "": that of the source, or auto
	source  string // "": the only one
}

func parseKafkaURL(text string) (u kafkaURL, err error) {
	rest, query, _ := strings.Cut(strings.TrimPrefix(text, kafkaPrefix), "?")
	brokers, topic, _ := strings.Cut(rest, "/")
	if strings.Contains(brokers, "@") {
		return u, errors.New("user and password do not belong on a command line: give a source.kafka of the rules file sasl")
	}
	if brokers != "" {
		u.brokers = strings.Split(brokers, ",")
	}
	if u.topic, err = url.PathUnescape(topic); err != nil || topic == "" {
		return u, errors.New("it names no topic: write kafka://BROKER,BROKER/TOPIC")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return u, fmt.Errorf("cannot read what is behind the ?: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch value := values.Get(key); key {
		case "format":
			u.format = value
		case "source":
			u.source = value
		default:
			return u, fmt.Errorf("unknown option %q%s", key, plugins.DidYouMean(key, []string{"format", "source"}))
		}
	}
	return u, nil
}

// kafkaRecording reads a topic as a recording.
type kafkaRecording struct {
	past    *kafka.Past
	url     kafkaURL
	source  sources.Recorded // the zero value when there is none
	file    *recordingFile
	context context.Context
}

// openKafka opens what is in a topic now as a recording, of which only what is in
// span is wanted.
func openKafka(ctx context.Context, p *process, name string, span timeSpan, config *rules.Config) (*recordingFile, error) {
	r := &kafkaRecording{file: &recordingFile{name: name}, context: ctx}
	var err error
	if r.url, err = parseKafkaURL(name); err == nil {
		err = r.open(ctx, p.logger("warn"), span, config)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open recording %q: %w", name, err)
	}
	r.file.size, r.file.close = r.past.Size(), r.past.Close
	r.file.recording.Read = r.read
	return r.file, nil
}

func (r *kafkaRecording) open(ctx context.Context, logger *slog.Logger, span timeSpan, config *rules.Config) error {
	from := config.SourceOf("kafka", r.url.source)
	if from != nil {
		r.file.recording.Source = from
		var err error
		if r.source, err = from.Source.(*sources.Source).Recorded(); err != nil {
			return err
		}
	} else if r.url.source != "" {
		return fmt.Errorf("there is no source.kafka with the name %q", r.url.source)
	}
	if _, err := r.decoder(engine.NewIdentities(1), payload.Options{}); err != nil {
		return err
	}
	cluster, err := r.cluster(config, from)
	if err != nil {
		return err
	}
	options := kafka.PastOptions{Topic: r.url.topic}
	if span.since != nil {
		options.Since = time.Unix(0, int64(*span.since)).Add(-kafkaLag)
	}
	if span.until != nil {
		options.Until = time.Unix(0, int64(*span.until)).Add(kafkaLag)
	}
	r.past, err = kafka.OpenPast(ctx, cluster, kafka.NewLog(logger), options)
	if err != nil && kafka.WantsMore(err) {
		return fmt.Errorf("%w; tls and sasl are those of a source.kafka or sink.kafka of the rules file with this broker", err)
	}
	return err
}

// clustered is a source or a sink that knows how brokers are reached.
type clustered interface{ Cluster() *kafka.Cluster }

// cluster says how the brokers are reached: as from does it, or the first source
// or sink of the rules file that has one of them. Only brokers that none of these
// has are reached without TLS and password. from may be nil.
func (r *kafkaRecording) cluster(config *rules.Config, from *rules.Source) (*kafka.Cluster, error) {
	if len(r.url.brokers) > 0 {
		named, err := kafka.NewCluster(kafka.Options{Brokers: r.url.brokers})
		if err != nil {
			return nil, err
		}
		for _, known := range clusters(config, from) {
			if known.Shares(named) {
				return known, nil
			}
		}
		return named, nil
	}
	if from != nil {
		return from.Source.(clustered).Cluster(), nil
	}
	return nil, errors.New("it names no brokers, and the rules file has no source.kafka to take them from, or several: write kafka://BROKER,BROKER/TOPIC, or kafka:///TOPIC?source=NAME")
}

// clusters are those of from, if it is not nil, then of all sources and sinks in
// the order of the file.
func clusters(config *rules.Config, from *rules.Source) (out []*kafka.Cluster) {
	var all []any
	if from != nil {
		all = append(all, from.Source)
	}
	for _, s := range config.Sources {
		all = append(all, s.Source)
	}
	for _, s := range config.Sinks {
		all = append(all, s.Sink)
	}
	for _, s := range all {
		if c, ok := s.(clustered); ok {
			out = append(out, c.Cluster())
		}
	}
	return out
}

func (r *kafkaRecording) decoder(ids *engine.Identities, o payload.Options) (payload.Decoder, error) {
	return payload.New(cmp.Or(r.url.format, r.source.Format, "auto"), ids, o)
}

// read is for rules.Recording.
func (r *kafkaRecording) read(env plugins.RecordingEnv) error {
	attributes := func(_ *kgo.Record, id *engine.Identity) *engine.Identity { return id }
	if r.source.Attributes != nil {
		attributes = r.source.Attributes(env.Identities)
	}
	decoder, err := r.decoder(env.Identities, r.source.Payload)
	if err != nil {
		return err
	}
	e := &recordEvents{emit: env.Emit}
	add := func(id *engine.Identity) *engine.Event { return e.add(attributes(e.record, id)) }
	for {
		if e.record, err = r.past.Next(r.context); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := decoder.Decode(e.record.Value, add); err != nil {
			env.Skipped(fmt.Errorf("partition %d, offset %d: %w", e.record.Partition, e.record.Offset, err))
		}
		if err := e.flush(); err != nil {
			return err
		}
		r.file.read.Store(r.past.Passed())
	}
}

// recordEvents emits the events of one record after the other.
type recordEvents struct {
	record *kgo.Record
	emit   func(*engine.Event) error
	event  engine.Event // the last one, if its ID is not nil
	err    error        // of emit
}

func (r *recordEvents) add(id *engine.Identity) *engine.Event {
	r.pass()
	r.event = engine.Event{ID: id}
	return &r.event
}

// pass emits the event at hand. One without a time has that of its record, if that
// has one.
func (r *recordEvents) pass() {
	if r.event.ID != nil && r.err == nil {
		if !r.event.HasAll(engine.HasTime) && r.record.Timestamp.UnixMilli() > 0 {
			r.event.SetTime(engine.Time(r.record.Timestamp.UnixNano()))
		}
		r.err = r.emit(&r.event)
	}
	r.event = engine.Event{}
}

func (r *recordEvents) flush() error {
	r.pass()
	return r.err
}
