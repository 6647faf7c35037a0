package tlsconfig_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// serve answers TLS handshakes with a certificate. If client is true, it requires a
// certificate of the client that the authority signed.
func serve(t *testing.T, c testenv.Certificates, client bool) (address string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.Server, c.Key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if client {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool(t, c.Authority)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if conn.(*tls.Conn).HandshakeContext(t.Context()) == nil {
					_, _ = conn.Write([]byte("!")) // so that the client's read ends, as TLS 1.3 reports refusals late
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func pool(t *testing.T, authority string) *x509.CertPool {
	t.Helper()
	authorities := tlsconfig.Authorities{File: connstr.Option{Name: "ca", Value: authority}}
	p, err := authorities.Pool()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// connect makes a connection with the options.
func connect(address string, o tlsconfig.Options) error {
	config, err := o.Config()
	if err != nil {
		return err
	}
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// Each verification accepts the servers that it should, and no others.
func TestVerification(t *testing.T) {
	own, foreign := testenv.NewCertificates(t, ""), testenv.NewCertificates(t, "")
	right, otherHost, stranger := serve(t, own, false), serve(t, own.OfOtherHost(), false), serve(t, foreign, false)
	trusted := tlsconfig.Authorities{File: connstr.Option{Name: "ca", Value: own.Authority}}
	for _, c := range []struct {
		name string
		o    tlsconfig.Options
		want string // of the right server, the one for another host, and the one of another authority
	}{
		{"host", tlsconfig.Options{Authorities: trusted}, "ynn"},
		{"the host that is named", tlsconfig.Options{Authorities: trusted, ServerName: "other.example"}, "nyn"},
		{"chain", tlsconfig.Options{Authorities: trusted, Verify: tlsconfig.Chain}, "yyn"},
		{"nothing", tlsconfig.Options{Authorities: trusted, Verify: tlsconfig.Nothing}, "yyy"},
		{"the system's authorities", tlsconfig.Options{}, "nnn"},
		{"TLS 1.3", tlsconfig.Options{Authorities: trusted, MinVersion: tls.VersionTLS13}, "ynn"},
	} {
		got := ""
		for _, address := range []string{right, otherHost, stranger} {
			err := connect(address, c.o)
			got += map[bool]string{true: "y", false: "n"}[err == nil]
		}
		if got != c.want {
			t.Errorf("%s: connects %s, want %s", c.name, got, c.want)
		}
	}
}

// A server that asks for a certificate gets it from one file or from two.
func TestClientCertificate(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	address := serve(t, c, true)
	both := filepath.Join(t.TempDir(), "both.pem")
	var text []byte
	for _, path := range []string{c.Server, c.Key} {
		part, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, part...)
	}
	if err := os.WriteFile(both, text, 0o600); err != nil {
		t.Fatal(err)
	}
	o := tlsconfig.Options{Authorities: tlsconfig.Authorities{File: connstr.Option{Value: c.Authority}}}
	if err := connect(address, o); err == nil {
		t.Error("it connects without a certificate")
	}
	o.Certificate = connstr.Option{Name: "cert", Value: both}
	if err := connect(address, o); err != nil {
		t.Errorf("with one file: %v", err)
	}
	o.Certificate.Value, o.Key = c.Server, connstr.Option{Name: "key", Value: c.Key}
	if err := connect(address, o); err != nil {
		t.Errorf("with two files: %v", err)
	}
}

// An encrypted key is read with its password, which no error shows.
func TestEncryptedKey(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	text, err := os.ReadFile(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := pem.Decode(text)
	block, err := x509.EncryptPEMBlock(rand.Reader, plain.Type, plain.Bytes, []byte("geheim"), x509.PEMCipherAES256) //nolint:staticcheck // OpenSSL writes this form, too
	locked := filepath.Join(t.TempDir(), "locked.pem")
	if err := errors.Join(err, os.WriteFile(locked, pem.EncodeToMemory(block), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := tlsconfig.KeyPair(c.Server, locked, "geheim"); err != nil {
		t.Error(err)
	}
	if _, err := tlsconfig.KeyPair(c.Server, locked, "gehe1m"); err == nil || strings.Contains(err.Error(), "gehe1m") {
		t.Errorf("with a wrong password: %v", err)
	}
}

// An error names the options that are wrong.
func TestConfigErrors(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	named := func(name, value string) connstr.Option { return connstr.Option{Name: name, Value: value} }
	for _, x := range []struct {
		o    tlsconfig.Options
		want string
	}{
		{tlsconfig.Options{Certificate: named("cert", ""), Key: named("key", "/k")}, "option key=/k of the connection string is given without cert, which should name the certificate of this key"},
		{tlsconfig.Options{Certificate: named("cert", ""), Key: named("key", ""), Password: named("pw", "geheim")}, "option pw of the connection string is given without a key to decrypt: options cert and key should name the certificate and the key"},
		{tlsconfig.Options{Certificate: named("both", "/no/such"), Key: named("both", "")}, "option both=/no/such of the connection string should name a certificate and its key: open /no/such: no such file or directory"},
		{tlsconfig.Options{Certificate: named("cert", c.Server), Key: named("key", c.Authority)}, "options cert=" + c.Server + " and key=" + c.Authority + " of the connection string should name a certificate and its key: tls: found a certificate rather than a key in the PEM for the private key"},
		{tlsconfig.Options{Authorities: tlsconfig.Authorities{Data: named("data", "x")}}, "option data holds no certificate; it should be text in PEM form"},
		{tlsconfig.Options{Verify: 9}, "no such verification: 9"},
	} {
		_, err := x.o.Config()
		if err == nil || err.Error() != x.want {
			t.Errorf("%+v:\n got %v\nwant %s", x.o, err, x.want)
		}
	}
	config, err := (&tlsconfig.Options{MinVersion: tls.VersionTLS10}).Config()
	if err != nil || config.MinVersion != tls.VersionTLS12 {
		t.Errorf("TLS 1.0 is spoken: %+v, %v", config, err)
	}
}

// A server that shows no certificate is refused.
func TestVerifyChainWithoutCertificate(t *testing.T) {
	c := &tls.Config{}
	tlsconfig.VerifyChain(c)
	if err := c.VerifyConnection(tls.ConnectionState{}); err == nil {
		t.Error("it is accepted")
	}
}
