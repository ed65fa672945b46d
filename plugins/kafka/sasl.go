package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"tocsin/plugins"
)

// saslOptions are those of the table sasl.
type saslOptions struct {
	Mechanism string         `opt:"mechanism,required"`
	User      string         `opt:"user,required"`
	Password  plugins.Secret `opt:"password,required"`
}

var saslMechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

func parseSASL(t *plugins.Table) (*saslOptions, error) {
	if t == nil {
		return nil, nil
	}
	o := &saslOptions{}
	if err := plugins.Decode(t, o); err != nil {
		return nil, errors.Unwrap(err)
	}
	switch o.Mechanism {
	case "plain", "scram-sha-256", "scram-sha-512":
		return o, nil
	}
	return nil, fmt.Errorf("there is no mechanism %q%s", o.Mechanism, plugins.DidYouMean(o.Mechanism, saslMechanisms))
}

func (o *saslOptions) mechanism() sasl.Mechanism {
	auth := scram.Auth{User: o.User, Pass: o.Password.Reveal()}
	switch o.Mechanism {
	case "scram-sha-256":
		return auth.AsSha256Mechanism()
	case "scram-sha-512":
		return auth.AsSha512Mechanism()
	}
	return plain.Auth{User: o.User, Pass: o.Password.Reveal()}.AsMechanism()
}
