package backend

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
)

// RefusedTLS tells whether TLS failed for a reason that stays: one side does not
// trust the other's certificate, or does not speak TLS, or no version of it that
// both know.
func RefusedTLS(err error) bool {
	var header tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	if errors.As(err, &header) || errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &name) || errors.As(err, &invalid) {
		return true
	}
	if err != nil && strings.Contains(err.Error(), "tls: server selected unsupported protocol version") {
		return true
	}
	// An alert is an OpError of one of these operations; its type is not exported.
	// A server that is in trouble itself tells of an internal error.
	var operation *net.OpError
	return errors.As(err, &operation) && (operation.Op == "remote error" || operation.Op == "local error") &&
		!strings.Contains(operation.Error(), "internal error")
}
