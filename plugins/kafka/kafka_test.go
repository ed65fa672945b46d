package kafka

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tocsin/plugins"
)

func table(fields map[string]any) *plugins.Table { return &plugins.Table{Fields: fields} }

func saslTable(mechanism, user, password string) *plugins.Table {
	return table(map[string]any{"mechanism": mechanism, "user": user, "password": plugins.NewSecret("KAFKA", password)})
}

func TestNewCluster(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		c, err := NewCluster(o)
		if err != nil {
			t.Fatal(err)
		}
		if c.String() != want {
			t.Errorf("got %q, want %q", c, want)
		}
	}
	f(Options{Brokers: []string{"a", "b:9093", "[::1]:9094"}}, "a:9092,b:9093,[::1]:9094")
	f(Options{Brokers: []string{"a"}, TLS: true, SASL: saslTable("plain", "u", "p")}, "a:9092")
	f(Options{Brokers: []string{"a"}, TLS: table(nil)}, "a:9092")
	f(Options{Brokers: []string{"a"}, TLS: false}, "a:9092")
}

func TestNewCluster_Failure(t *testing.T) {
	f := func(o Options, want string) {
		t.Helper()
		if o.Brokers == nil {
			o.Brokers = []string{"a"}
		}
		if _, err := NewCluster(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	f(Options{Brokers: []string{}}, `option "brokers" is empty`)
	f(Options{Brokers: []string{""}}, `is not a broker`)
	f(Options{Brokers: []string{"a:b"}}, `the port is a number`)
	f(Options{Brokers: []string{"a:1:2"}}, `"a:1:2" is not a broker`)
	f(Options{TLS: "yes"}, `option "tls": expected true or a table`)
	f(Options{TLS: table(map[string]any{"cert": "x"})}, `option "tls": cert and key belong together`)
	f(Options{TLS: table(map[string]any{"insecure": true})}, `option "tls": unknown option "insecure"`)
	f(Options{SASL: table(map[string]any{"mechanism": "plain", "user": "u"})}, `option "sasl": option "password" is missing`)
	f(Options{SASL: saslTable("scram-sha-255", "u", "p")}, `did you mean "scram-sha-256"?`)
	f(Options{SASL: table(map[string]any{"user": "u", "password": "p", "mechanism": 1.0})}, `option "sasl": option "mechanism": expected a string`)
}

func TestClientOptions_Failure(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "empty.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(tls map[string]any, want string) {
		t.Helper()
		c, err := NewCluster(Options{Brokers: []string{"a"}, TLS: table(tls), Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ClientOptions(NewLog(slog.New(slog.DiscardHandler))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	f(map[string]any{"ca": "none.pem"}, "cannot read tls.ca: open "+dir)
	f(map[string]any{"ca": "empty.pem"}, "there is no certificate in it")
	f(map[string]any{"cert": "empty.pem", "key": "empty.pem"}, "cannot use tls.cert")

	c, err := NewCluster(Options{Brokers: []string{"a"}, SASL: saslTable("plain", "u", "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ClientOptions(NewLog(slog.New(slog.DiscardHandler))); err == nil || err.Error() != "sasl.password is empty: secret KAFKA has no value" {
		t.Errorf("without a password: %v", err)
	}
}

// TestSASL has a broker take the right password, and refuse the wrong one with
// words that say so and do not repeat it.
func TestSASL(t *testing.T) {
	for _, mechanism := range saslMechanisms {
		broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "ops", "right-1"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(broker.Close)
		ping := func(password string) error {
			cluster, err := NewCluster(Options{Brokers: broker.ListenAddrs(), SASL: saslTable(mechanism, "ops", password)})
			if err != nil {
				t.Fatal(err)
			}
			opts, err := cluster.ClientOptions(NewLog(slog.New(slog.DiscardHandler)))
			if err != nil {
				t.Fatal(err)
			}
			client, err := kgo.NewClient(opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			return Explain(client.Ping(t.Context()))
		}
		if err := ping("right-1"); err != nil {
			t.Errorf("%s: %v", mechanism, err)
		}
		// The broker here only hangs up: it has to be told to answer as others do.
		broker.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
			answer := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			answer.ErrorCode = kerr.SaslAuthenticationFailed.Code
			return answer, nil, true
		})
		err = ping("wrong-1")
		if !Refused(err) || !strings.Contains(err.Error(), "refused sasl.user or sasl.password") || strings.Contains(err.Error(), "wrong-1") {
			t.Errorf("%s: a wrong password gives %v", mechanism, err)
		}
	}
}

func TestExplain(t *testing.T) {
	f := func(err error, want string, refused bool) {
		t.Helper()
		wrapped := fmt.Errorf("cannot fetch: %w", err)
		got := Explain(wrapped)
		if got.Error() != wrapped.Error()+want {
			t.Errorf("got %q, want %q at the end", got, want)
		}
		if !errors.Is(got, err) || Refused(got) != refused {
			t.Errorf("%q: refused is %v, or the cause is lost", got, Refused(got))
		}
	}
	f(kerr.SaslAuthenticationFailed, "; the broker refused sasl.user or sasl.password", true)
	f(kerr.GroupAuthorizationFailed, "; the broker does not let this user be in the group; it wants an ACL", true)
	f(kerr.UnknownTopicOrPartition, "; there is no such topic", false)
	f(syscall.ECONNREFUSED, "; nobody listens there: is the broker running?", false)
	f(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a"}, "; the broker's certificate is for another host: tls.server_name says which is right", false)
	f(errors.New("the first three bytes received appear to be a tls alert record for TLS v1.2"), "; the broker wants tls at this port", false)
	f(&net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}, "; the broker ended tls: it may want a certificate of ours, tls.cert and tls.key", false)
	f(errors.ErrUnsupported, "", false)
	if Explain(nil) != nil {
		t.Error("no error is explained")
	}
}

func TestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := NewLog(slog.New(slog.NewTextHandler(&out, nil)))
		for range 1000 {
			log.Log(kgo.LogLevelWarn, "unable to open connection", "broker", 1)
			log.Warn("other", "n", 2)
		}
		log.Log(kgo.LogLevelInfo, "of no interest")
		<-time.After(logEvery)
		log.Log(kgo.LogLevelError, "unable to open connection")
		for i := range 2 * maxMessages {
			log.Info(fmt.Sprint("message ", i))
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3+2*maxMessages {
			t.Fatalf("got %d lines", len(lines))
		}
		if !strings.Contains(lines[0], `msg="kafka client: unable to open connection" broker=1`) || !strings.Contains(lines[2], "not_logged=999") {
			t.Errorf("got %s", lines[:3])
		}
		if len(log.messages) > maxMessages {
			t.Errorf("%d messages are kept", len(log.messages))
		}
	})
}
