//go:build real

package programs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificates writes PEM files: those of the broker, and k.CA, k.Cert
// and k.Key.
func (k *Kafka) writeCertificates() {
	k.t.Helper()
	k.CA, k.Cert, k.Key = filepath.Join(k.dir, "ca.pem"), filepath.Join(k.dir, "client.pem"), filepath.Join(k.dir, "client.key")
	ca := newAuthority(k.t)
	writeFile(k.t, k.CA, ca.pem)
	cert, key := ca.sign("127.0.0.1")
	writeFile(k.t, filepath.Join(k.dir, "broker.pem"), key+cert)
	cert, key = ca.sign("client")
	writeFile(k.t, k.Cert, cert)
	writeFile(k.t, k.Key, key)
}

// authority signs certificates that are good for an hour.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, cert: template("authority of a test")}
	a.cert.IsCA, a.cert.BasicConstraintsValid = true, true
	a.cert.KeyUsage = x509.KeyUsageCertSign
	a.key, a.pem = a.issue(a.cert, nil)
	return a
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
}

// sign returns a certificate of 127.0.0.1 with a name, and its key, as PEM.
func (a *authority) sign(name string) (cert, key string) {
	a.t.Helper()
	c := template(name)
	c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	private, cert := a.issue(c, a.key)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// issue makes a key and its certificate, signed by signer, or by itself if
// that is nil.
func (a *authority) issue(c *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
