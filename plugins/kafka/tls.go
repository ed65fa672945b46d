package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"tocsin/plugins"
)

// tlsOptions are those of the table tls. Certificates are always checked.
type tlsOptions struct {
	// CA is a file of certificates that sign the brokers'; "": the system's.
	CA string `opt:"ca"`
	// Cert and Key are files of our own certificate.
	Cert string `opt:"cert"`
	Key  string `opt:"key"`
	// ServerName is what the brokers' certificates say, when it is not the host.
	ServerName string `opt:"server_name"`
}

func parseTLS(value any, dir string) (*tlsOptions, error) {
	o := &tlsOptions{}
	switch value := value.(type) {
	case nil:
		return nil, nil
	case bool:
		if !value {
			return nil, nil
		}
		return o, nil
	case *plugins.Table:
		if value == nil {
			return nil, nil
		}
		if err := plugins.Decode(value, o); err != nil {
			return nil, errors.Unwrap(err)
		}
	default:
		return nil, errors.New("expected true or a table { ca, cert, key, server_name }")
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New("cert and key belong together; give both or none")
	}
	o.CA, o.Cert, o.Key = inDir(dir, o.CA), inDir(dir, o.Cert), inDir(dir, o.Key)
	return o, nil
}

func (o *tlsOptions) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if o.CA != "" {
		data, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read tls.ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("cannot use tls.ca %q: there is no certificate in it (PEM is expected)", o.CA)
		}
	}
	if o.Cert != "" {
		pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use tls.cert %q with tls.key: %w", o.Cert, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
