package testenv

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certificates are the paths of PEM files for TLS on 127.0.0.1 and localhost. All
// accounts may read them, except the key, which belongs to the server's account.
type Certificates struct {
	Authority string // the certificate that clients trust
	Server    string // the server's certificate
	Key       string // the server's key
	OtherHost string // a certificate of the same authority and key, but for the host other.example only
	Client    string // a certificate of the same authority for the user Writer
	ClientKey string
}

// OfOtherHost returns the certificates with OtherHost as the server's.
func (c Certificates) OfOtherHost() Certificates {
	c.Server = c.OtherHost
	return c
}

// NewCertificates makes a certificate authority and a server certificate that it
// signs. Both certificates are valid for a day. account is the account that runs the
// server if we are root, such as "postgres". "" stands for our own account.
func NewCertificates(t testing.TB, account string) Certificates {
	t.Helper()
	dir, err := os.MkdirTemp("", "osp-tls-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := certify(dir); err != nil {
		t.Fatal(err)
	}
	c := certificatesIn(dir)
	for _, path := range []string{dir, c.Key} {
		if err := ownedBy(account, path); err != nil {
			Missing(t, err)
		}
	}
	return c
}

func certificatesIn(dir string) Certificates {
	return Certificates{
		Authority: filepath.Join(dir, "authority.pem"), Server: filepath.Join(dir, "server.pem"),
		Key: filepath.Join(dir, "server.key"), OtherHost: filepath.Join(dir, "other.pem"),
		Client: filepath.Join(dir, "client.pem"), ClientKey: filepath.Join(dir, "client.key"),
	}
}

// certify makes the files of certificatesIn.
func certify(dir string) error {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature,
		// Clients use it too, if the server asks for a client certificate.
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	other := *server
	other.SerialNumber, other.Subject.CommonName = big.NewInt(3), "other.example"
	other.DNSNames, other.IPAddresses = []string{"other.example"}, nil
	client := *server
	client.SerialNumber, client.Subject.CommonName = big.NewInt(4), Writer
	client.DNSNames, client.IPAddresses = nil, nil
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c := certificatesIn(dir)
	serverKey, err := newKey(c.Key)
	if err != nil {
		return err
	}
	clientKey, err := newKey(c.ClientKey)
	if err != nil {
		return err
	}
	return errors.Join(
		sign(c.Authority, authority, authority, &authorityKey.PublicKey, authorityKey),
		sign(c.Server, server, authority, serverKey, authorityKey),
		sign(c.OtherHost, &other, authority, serverKey, authorityKey),
		sign(c.Client, &client, authority, clientKey, authorityKey))
}

// newKey makes a private key, and returns its public key.
func newKey(path string) (*ecdsa.PublicKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &key.PublicKey, writePEM(path, "PRIVATE KEY", der, 0o600)
}

func sign(path string, template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) error {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return err
	}
	return writePEM(path, "CERTIFICATE", der, 0o644)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}
