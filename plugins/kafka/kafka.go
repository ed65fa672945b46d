// Package kafka is what the sources, sinks and commands that speak to Kafka
// share: how brokers are reached, what their errors mean, a log with a limit, and
// the past of a topic.
//
// kafka.go checks the options, tls.go and sasl.go those of their tables,
// explain.go says what to do about an error, and log.go keeps the client's log
// from flooding ours. past.go reads what is in a topic, and past_stall.go tells what
// is gone from what takes long.
package kafka

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"tocsin/plugins"
)

// DefaultClientID is the client_id when none is given.
const DefaultClientID = "tocsin"

// defaultPort is that of a broker without one.
const defaultPort = "9092"

// Options say how the brokers are reached. A kind of source or sink has fields
// for them among its own: brokers, client_id, tls, sasl.
type Options struct {
	// Brokers are some of the cluster's, as "host:port" or "host".
	Brokers []string
	// ClientID is what the brokers' logs and quotas call us; "" means
	// DefaultClientID.
	ClientID string
	// TLS is true, or a *plugins.Table with ca, cert, key and server_name; nil or
	// false: none.
	TLS any
	// SASL has mechanism, user and password; nil: none.
	SASL *plugins.Table
	// Dir is where relative paths start.
	Dir string
}

// Cluster is a checked way to reach a cluster.
type Cluster struct {
	brokers  []string
	clientID string
	tls      *tlsOptions  // nil: none
	sasl     *saslOptions // nil: none
}

// NewCluster checks the options. It opens nothing.
func NewCluster(o Options) (*Cluster, error) {
	c := &Cluster{clientID: o.ClientID}
	if c.clientID == "" {
		c.clientID = DefaultClientID
	}
	if len(o.Brokers) == 0 {
		return nil, errors.New(`option "brokers" is empty; write at least one as "host:port"`)
	}
	for _, b := range o.Brokers {
		address, err := brokerAddress(b)
		if err != nil {
			return nil, fmt.Errorf(`option "brokers": %w`, err)
		}
		c.brokers = append(c.brokers, address)
	}
	var err error
	if c.tls, err = parseTLS(o.TLS, o.Dir); err != nil {
		return nil, fmt.Errorf(`option "tls": %w`, err)
	}
	if c.sasl, err = parseSASL(o.SASL); err != nil {
		return nil, fmt.Errorf(`option "sasl": %w`, err)
	}
	return c, nil
}

// brokerAddress adds the usual port if there is none.
func brokerAddress(s string) (string, error) {
	if !strings.Contains(s, ":") {
		s = net.JoinHostPort(s, defaultPort)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return "", fmt.Errorf(`%q is not a broker; write it as "host:port"`, s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("%q is not a broker; the port is a number from 1 to 65535", s)
	}
	return s, nil
}

// String names the brokers, for logs.
func (c *Cluster) String() string { return strings.Join(c.brokers, ",") }

// Shares reports whether both name a broker that is the same.
func (c *Cluster) Shares(other *Cluster) bool {
	return slices.ContainsFunc(c.brokers, func(b string) bool { return slices.Contains(other.brokers, b) })
}

// ClientOptions returns the options of a client for the cluster. It reads the
// certificates, so it is called when the source or sink opens.
func (c *Cluster) ClientOptions(log *Log) ([]kgo.Opt, error) {
	out := []kgo.Opt{
		kgo.SeedBrokers(c.brokers...),
		kgo.ClientID(c.clientID),
		kgo.SoftwareNameAndVersion("tocsin", "1"),
		kgo.DisableClientMetrics(),
		kgo.WithLogger(log),
	}
	if c.tls != nil {
		config, err := c.tls.load()
		if err != nil {
			return nil, err
		}
		out = append(out, kgo.DialTLSConfig(config))
	}
	if c.sasl != nil {
		if c.sasl.Password.Reveal() == "" {
			return nil, fmt.Errorf("sasl.password is empty: %v has no value", c.sasl.Password)
		}
		out = append(out, kgo.SASL(c.sasl.mechanism()))
	}
	return out, nil
}

// IsTopic reports whether a topic can have that name:
// org.apache.kafka.common.internals.Topic.
func IsTopic(name string) bool {
	const chars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return name != "" && len(name) <= 249 && strings.Trim(name, chars) == "" && name != "." && name != ".."
}

// inDir is a path that starts in dir if it is relative.
func inDir(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
