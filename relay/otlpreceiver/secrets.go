package otlpreceiver

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/files"
	"github.com/osprofiler-otel/osprofiler/internal/tlsconfig"
)

// setToken reads the bearer token from the options that can provide it.
func (c *config) setToken(o *connstr.Options) error {
	file, env, text := o.Named("osp_token_file"), o.Named("osp_token_env"), o.Named("osp_token")
	given := 0
	for _, option := range []connstr.Option{file, env, text} {
		if option.Value != "" {
			given++
		}
	}
	if given > 1 {
		return errors.New("the connection string should have one of the options osp_token_file, osp_token_env and osp_token")
	}
	c.token = text.Value
	switch {
	case file.Value != "":
		content, err := files.ReadSmall(file.Value)
		if err != nil {
			return fmt.Errorf("cannot read the token of option osp_token_file=%s: %w", file.Value, files.Reason(err))
		}
		if c.token = strings.TrimSpace(string(content)); c.token == "" {
			return fmt.Errorf("the file of option osp_token_file=%s is empty; it should hold the token", file.Value)
		}
	case env.Value != "":
		if c.token = strings.TrimSpace(os.Getenv(env.Value)); c.token == "" {
			return fmt.Errorf("the environment variable of option osp_token_env=%s is empty or not set; it should hold the token", env.Value)
		}
	}
	return nil
}

// checkToken returns an error for a token that no Authorization header can carry.
func (c *config) checkToken() error {
	for _, r := range c.token {
		if r <= ' ' || r >= 0x7F {
			return errors.New("the token has a blank, a control character or a character that is not ASCII, so no client can send it")
		}
	}
	return nil
}

// authorized reports whether the values of an Authorization header contain the token. The
// duration of the comparison does not depend on the token.
func (c *config) authorized(values []string) bool {
	if c.token == "" {
		return true
	}
	if len(values) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	got, want := sha256.Sum256([]byte(strings.TrimSpace(token))), sha256.Sum256([]byte(c.token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// setTLS reads the server's certificate and the authorities of the clients.
func (c *config) setTLS(o *connstr.Options, wanted bool) error {
	certificate, key, password := o.Named("osp_cert_file"), o.Named("osp_key_file"), o.Named("osp_key_password")
	clients := tlsconfig.Authorities{File: o.Named("osp_client_ca_certs")}
	if !wanted {
		for _, option := range []connstr.Option{certificate, key, password, clients.File} {
			if option.Value != "" {
				return fmt.Errorf("option %s of the connection string is for TLS; the scheme should be otlp+https or otlp+grpcs", option.Name)
			}
		}
		return nil
	}
	if certificate.Value == "" {
		return errors.New("TLS needs a certificate: option osp_cert_file of the connection string should name it, and osp_key_file its key")
	}
	pair, err := tlsconfig.KeyPair(certificate.Value, key.Value, password.Value)
	if err != nil {
		return fmt.Errorf("options osp_cert_file=%s and osp_key_file=%s of the connection string should name a certificate and its key: %w", certificate.Value, key.Value, err)
	}
	c.tls = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if clients.Given() {
		if c.tls.ClientCAs, err = clients.Pool(); err != nil {
			return err
		}
		c.tls.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return nil
}
