package neterr

import (
	"net/http"
	"strings"
)

// AsksForTLS recognizes the answer of a server for HTTPS to a request without TLS: Go's,
// nginx's and Apache's.
func AsksForTLS(status int, body string) bool {
	return status == http.StatusBadRequest && (strings.Contains(body, "HTTP request to an HTTPS server") ||
		strings.Contains(body, "plain HTTP request was sent to HTTPS port") ||
		strings.Contains(body, "speaking plain HTTP to an SSL-enabled server port"))
}
