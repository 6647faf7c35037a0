package neterr

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

// RefusedTLS reports whether TLS failed for a lasting reason: one side does
// not trust the other's certificate, does not speak TLS, or speaks no version
// of TLS that the other side speaks.
func RefusedTLS(err error) bool { return within(err, refusesTLS) }

// SpeaksNoTLS reports whether the server answered a TLS handshake in another
// protocol.
func SpeaksNoTLS(err error) bool {
	return errors.As(err, new(tls.RecordHeaderError)) || within(err, isPlainHTTP)
}

// isPlainHTTP recognizes http.ErrSchemeMismatch by its text. A server that is
// not reached by HTTP should not bring net/http into a program.
func isPlainHTTP(err error) bool {
	return len(unwrap(err)) == 0 && err.Error() == "http: server gave HTTP response to HTTPS client"
}

func refusesTLS(err error) bool {
	switch e := err.(type) { //nolint:errorlint // the callers walk through the tree
	case tls.RecordHeaderError, *tls.CertificateVerificationError, x509.UnknownAuthorityError, x509.HostnameError,
		x509.CertificateInvalidError, x509.InsecureAlgorithmError, x509.UnhandledCriticalExtension, x509.SystemRootsError:
		return true
	case *net.OpError:
		// A TLS alert is an OpError of one of these operations; its type is not
		// exported. A server that is in trouble itself sends "internal error".
		return (e.Op == "remote error" || e.Op == "local error") && !strings.Contains(e.Error(), "internal error")
	}
	return isPlainHTTP(err) || isOtherVersion(err)
}

// isOtherVersion recognizes an error of crypto/tls that has no type of its own.
func isOtherVersion(err error) bool {
	return len(unwrap(err)) == 0 && strings.Contains(err.Error(), "tls: server selected unsupported protocol version")
}
