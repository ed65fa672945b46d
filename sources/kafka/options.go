package kafka

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tocsin/engine"
	"tocsin/plugins"
	"tocsin/plugins/carbon"
	"tocsin/plugins/kafka"
	"tocsin/plugins/payload"
)

// Options are what a rules file can set.
type Options struct {
	// Brokers, ClientID, TLS and SASL are as in kafka.Options.
	Brokers  []string       `opt:"brokers,required"`
	ClientID string         `opt:"client_id"`
	TLS      any            `opt:"tls"`
	SASL     *plugins.Table `opt:"sasl"`
	// Topics are names, or patterns between slashes: "/^metrics\\./".
	Topics []string `opt:"topics,required"`
	// Group is the consumer group. InstanceID, when not "", is kept over
	// restarts, so that the group need not wait for the session to time out.
	Group          string        `opt:"group"`
	InstanceID     string        `opt:"instance_id"`
	SessionTimeout time.Duration `opt:"session_timeout"`
	// Format is that of the records' values: see payload.Formats.
	Format string `opt:"format"`
	// Templates say what the names of graphite's lines mean.
	Templates []string `opt:"templates"`
	// TypesDB are files that say what the values of collectd's types are called,
	// beside its own types.db.
	TypesDB []string `opt:"types_db"`
	// Start is where to begin where neither the checkpoint nor the group knows:
	// "latest", "earliest" or a time in seconds since 1970; before now, when it is
	// negative.
	Start any `opt:"start"`
	// Key is true, or the name of the attribute that gets the record's key.
	Key any `opt:"key"`
	// Headers is true, or a list of the headers that become attributes.
	Headers any `opt:"headers"`
	// DeadLetter is "topic:NAME" or "file:PATH"; "": none. DeadLetterBytes bounds
	// the file.
	DeadLetter      string `opt:"dead_letter"`
	DeadLetterBytes int    `opt:"dead_letter_bytes"`
	// MaxLag is how many records of a topic may wait before an event tells of it;
	// 0: any number.
	MaxLag int `opt:"max_lag"`
	// FetchBytes bounds what one broker sends at once, and what waits to be
	// decoded and served. RecordBytes bounds one value.
	FetchBytes  int `opt:"fetch_bytes"`
	RecordBytes int `opt:"record_bytes"`
}

// Defaults are the options of a source that a rules file says nothing about.
func Defaults() Options {
	return Options{
		Group: "tocsin", SessionTimeout: 10 * time.Second, Format: "auto", Start: "latest",
		DeadLetterBytes: 100 << 20, FetchBytes: 16 << 20, RecordBytes: 4 << 20,
	}
}

// settings are checked Options.
type settings struct {
	Options
	cluster  *kafka.Cluster
	topics   []string // all of them names, or all of them expressions
	patterns bool
	start    start
	key      string // the attribute; "": none
	headers  headers
	naming   *carbon.Naming
}

func (o Options) check(dir string) (*settings, error) {
	s := &settings{Options: o}
	for _, f := range []func(dir string) error{
		s.checkCluster, s.checkTopics, s.checkGroup, s.checkFormat, s.checkStart, s.checkAttributes, s.checkBounds,
	} {
		if err := f(dir); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *settings) checkCluster(dir string) (err error) {
	s.cluster, err = kafka.NewCluster(kafka.Options{Brokers: s.Brokers, ClientID: s.ClientID, TLS: s.TLS, SASL: s.SASL, Dir: dir})
	return err
}

func checkTopicName(name string) error {
	if !kafka.IsTopic(name) {
		return fmt.Errorf(`%q is not a topic: letters, digits, ".", "_" and "-" make one; a pattern stands between slashes, as "/^shop\\./"`, name)
	}
	return nil
}

func (s *settings) checkTopics(string) error {
	if len(s.Topics) == 0 {
		return errors.New(`option "topics" is empty`)
	}
	s.patterns = slices.ContainsFunc(s.Topics, isPattern)
	for _, topic := range s.Topics {
		switch {
		case isPattern(topic):
			expression := topic[1 : len(topic)-1]
			if _, err := regexp.Compile(expression); err != nil {
				return fmt.Errorf(`option "topics": cannot use pattern %q: %w`, topic, err)
			}
			s.topics = append(s.topics, expression)
			continue
		case s.patterns:
			s.topics = append(s.topics, "^"+regexp.QuoteMeta(topic)+"$")
		default:
			s.topics = append(s.topics, topic)
		}
		if err := checkTopicName(topic); err != nil {
			return fmt.Errorf(`option "topics": %w`, err)
		}
	}
	return nil
}

func isPattern(topic string) bool {
	return len(topic) > 2 && strings.HasPrefix(topic, "/") && strings.HasSuffix(topic, "/")
}

// reads reports whether a topic is one of ours.
func (s *settings) reads(topic string) bool {
	if !s.patterns {
		return slices.Contains(s.topics, topic)
	}
	return slices.ContainsFunc(s.topics, func(expression string) bool { return regexp.MustCompile(expression).MatchString(topic) })
}

// names are the topics that are given by name.
func (s *settings) names() []string {
	return slices.DeleteFunc(slices.Clone(s.Topics), isPattern)
}

func (s *settings) checkGroup(string) error {
	if s.Group == "" || strings.Contains(s.Group, "\x00") {
		return errors.New(`option "group" is empty`)
	}
	if s.SessionTimeout < time.Second || s.SessionTimeout > 30*time.Minute {
		return fmt.Errorf("session_timeout is %v, expected 1 s to 30 min", s.SessionTimeout)
	}
	return nil
}

func (s *settings) checkFormat(string) error {
	if _, err := payload.New(s.Format, engine.NewIdentities(1), payload.Options{}); err != nil {
		return fmt.Errorf(`option "format": %w`, err)
	}
	if len(s.Templates) > 0 && s.Format != "graphite" && s.Format != "auto" {
		return errors.New(`option "templates": only used with format = "graphite" or "auto"`)
	}
	if len(s.TypesDB) > 0 && s.Format != "collectd" && s.Format != "auto" {
		return errors.New(`option "types_db": only used with format = "collectd" or "auto"`)
	}
	var err error
	s.naming, err = carbon.NewNaming(s.Templates)
	return err
}

// start is where a partition begins that nobody has read.
type start struct {
	kind startKind
	at   float64 // seconds since 1970, or from now when it is negative
}

type startKind byte

const (
	startLatest startKind = iota
	startEarliest
	startTime
)

func (s *settings) checkStart(string) error {
	switch v := s.Start.(type) {
	case float64:
		s.start = start{startTime, v}
		return nil
	case string:
		switch v {
		case "latest":
			return nil
		case "earliest":
			s.start.kind = startEarliest
			return nil
		}
	}
	return fmt.Errorf(`start is %v, expected "latest", "earliest" or a number of seconds: since 1970, or before now when it is negative`, s.Start)
}

// time is the time to begin at.
func (s start) time(now time.Time) time.Time {
	if s.at < 0 {
		return now.Add(time.Duration(engine.Seconds(s.at)))
	}
	return time.Unix(0, int64(engine.Seconds(s.at)))
}

func (s *settings) checkAttributes(string) error {
	switch v := s.Key.(type) {
	case nil:
	case bool:
		if v {
			s.key = "key"
		}
	case string:
		s.key = v
	default:
		return errors.New("key is neither true nor the name of an attribute")
	}
	if slices.Contains(fields, s.key) {
		return fmt.Errorf("key is %q, which is a field of events already; choose another name", s.key)
	}
	switch v := s.Headers.(type) {
	case nil:
	case bool:
		s.headers.all = v
	case *plugins.Table:
		for _, name := range v.List {
			name, ok := name.(string)
			if !ok || len(v.Fields) > 0 {
				return errors.New("headers is neither true nor a list of names")
			}
			s.headers.names = append(s.headers.names, name)
		}
	default:
		return errors.New("headers is neither true nor a list of names")
	}
	return nil
}

// leastFetch is the smallest fetch_bytes.
const leastFetch = 1 << 10

func (s *settings) checkBounds(dir string) error {
	for _, bound := range []struct {
		name             string
		value, low, high int
	}{
		{"max_lag", s.MaxLag, 0, 1 << 53},
		{"fetch_bytes", s.FetchBytes, leastFetch, 1 << 30},
		{"record_bytes", s.RecordBytes, 1, 1 << 30},
		{"dead_letter_bytes", s.DeadLetterBytes, leastFetch, 1 << 53},
	} {
		if bound.value < bound.low || bound.value > bound.high {
			return fmt.Errorf("%s is %d, expected %d to %d", bound.name, bound.value, bound.low, bound.high)
		}
	}
	where, what, _ := strings.Cut(s.DeadLetter, ":")
	switch {
	case s.DeadLetter == "", where == "file" && what != "":
		return nil
	case where == "topic":
		if err := checkTopicName(what); err != nil {
			return fmt.Errorf("dead_letter: %w", err)
		}
		if s.reads(what) {
			return fmt.Errorf("dead_letter is the topic %q, which is read as well: what is bad would go round in it", what)
		}
		return nil
	}
	return fmt.Errorf(`dead_letter is %q, expected "topic:NAME" or "file:PATH"`, s.DeadLetter)
}
