package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Explain adds to an error of the client what it means and what to do about
// it. What it does not know it returns as it is.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	if advice := advise(err); advice != "" {
		return fmt.Errorf("%w; %s", err, advice)
	}
	return err
}

// refusals are the answers of brokers that do not change by asking again.
var refusals = []struct {
	err    error
	advice string
}{
	{kerr.SaslAuthenticationFailed, "the broker refused sasl.user or sasl.password"},
	{kerr.UnsupportedSaslMechanism, "the broker does not take this sasl.mechanism"},
	{kerr.IllegalSaslState, "the broker does not expect sasl at this port"},
	{kerr.TopicAuthorizationFailed, "the broker does not let this user at the topic; it wants an ACL"},
	{kerr.GroupAuthorizationFailed, "the broker does not let this user be in the group; it wants an ACL"},
	{kerr.ClusterAuthorizationFailed, "the broker does not let this user do that to the cluster; it wants an ACL"},
	{kerr.TransactionalIDAuthorizationFailed, "the broker does not let this user use the transactional id; it wants an ACL"},
}

// Refused reports whether a broker does not let us in, or at something. It may
// do so later, but not for asking often.
func Refused(err error) bool {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return true
		}
	}
	return false
}

func advise(err error) string {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.advice
		}
	}
	switch {
	case wantsTLS(err):
		return "the broker wants tls at this port"
	case isA[*kgo.ErrFirstReadEOF](err):
		return "the broker hung up at once: it may want tls or sasl at this port"
	case isRemoteTLS(err):
		return "the broker ended tls: it may want a certificate of ours, tls.cert and tls.key"
	case isA[tls.RecordHeaderError](err):
		return "the broker does not speak tls at this port"
	case isA[x509.UnknownAuthorityError](err):
		return "no authority that we know signed the broker's certificate: name its file in tls.ca"
	case isA[x509.HostnameError](err):
		return "the broker's certificate is for another host: tls.server_name says which is right"
	case isA[*net.DNSError](err):
		return "the name of the broker is not known here"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there: is the broker running?"
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return "there is no such topic"
	case errors.Is(err, context.DeadlineExceeded):
		return "the broker did not answer in time"
	}
	return ""
}

// WantsMore reports whether a broker may want TLS or SASL and was reached without.
func WantsMore(err error) bool { return wantsTLS(err) || isA[*kgo.ErrFirstReadEOF](err) }

// wantsTLS looks at the words of the client, which has no error of its own for it.
func wantsTLS(err error) bool {
	return strings.Contains(err.Error(), "appear to be a tls alert record")
}

// isRemoteTLS reports whether the other side has sent an alert of TLS.
func isRemoteTLS(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error"
}

func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}
