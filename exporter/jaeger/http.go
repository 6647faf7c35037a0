package jaeger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"
	"github.com/uber/jaeger-client-go/thrift"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/store"
)

// An httpSender sends binary thrift to the endpoint of a collector.
type httpSender struct {
	url           string
	authorization string // of the header; "" sends none
	secrets       []string
	limit         int
	timeout       time.Duration
	client        *http.Client
	transport     *http.Transport
	server        neterr.Server
}

func newHTTP(s *connstr.Server, address string, secure bool, c *config) *httpSender {
	h := &httpSender{limit: c.maxMessageSize, timeout: c.timeout}
	u := url.URL{Scheme: "http", Host: address, Path: "/" + cmp.Or(s.Database, path), RawQuery: "format=jaeger.thrift"}
	if secure {
		u.Scheme = "https"
	}
	h.url = u.String()
	switch {
	case c.token != "":
		h.authorization = "Bearer " + c.token
		h.secrets = []string{c.token}
	case s.User != "" || s.Password != "":
		encoded := base64.StdEncoding.EncodeToString([]byte(s.User + ":" + s.Password))
		h.authorization = "Basic " + encoded
		h.secrets = []string{s.Password, encoded}
	}
	h.server = neterr.Server{
		Name: "Jaeger at " + address, Timeout: c.timeout, TimeoutOption: "osp_timeout",
		Without: "the scheme should be jaeger+http", Trust: "osp_ca_certs names the file with the authority to trust",
	}
	patience := min(c.timeout, defaultTimeout)
	dialer := &net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second}
	h.transport = &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: c.tls, TLSHandshakeTimeout: patience,
		MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, Proxy: http.ProxyFromEnvironment,
	}
	h.client = &http.Client{
		Transport: h.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return h
}

func (h *httpSender) name() string { return h.server.Name }

func (h *httpSender) cutter() *cutter {
	return &cutter{protocol: thrift.NewTBinaryProtocolFactoryConf(nil), limit: h.limit, overhead: 64}
}

// ping sends a batch without spans.
func (h *httpSender) ping(ctx context.Context) error {
	err := h.send(ctx, emptyBatch())
	var refused *refusedError
	if errors.As(err, &refused) {
		return refused.err
	}
	return err
}

func (h *httpSender) send(ctx context.Context, b *batch) error {
	body := thrift.NewTMemoryBuffer()
	protocol := thrift.NewTBinaryProtocolConf(body, nil)
	err := b.thrift().Write(ctx, protocol)
	if err == nil {
		err = protocol.Flush(ctx)
	}
	if err != nil {
		return &refusedError{err: fmt.Errorf("cannot write the spans as thrift: %w", err)}
	}
	return h.post(ctx, body.Bytes())
}

func (h *httpSender) post(ctx context.Context, body []byte) error {
	limited, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return h.explain(ctx, err)
	}
	req.Header.Set("Content-Type", "application/x-thrift")
	if h.authorization != "" {
		req.Header.Set("Authorization", h.authorization)
	}
	answer, err := h.client.Do(req)
	if err != nil {
		return h.explain(ctx, err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
	_ = answer.Body.Close() // the status says all
	if answer.StatusCode/100 == 2 {
		return nil // it has the spans, even if the rest of the answer is lost
	}
	if err != nil {
		text = nil
	}
	return h.refusal(answer, string(text))
}

// refusal returns the error for an answer that is not a success.
func (h *httpSender) refusal(answer *http.Response, text string) error {
	says := answer.Status
	if text = strings.TrimSpace(text); text != "" {
		says += ": " + oneLine(h.hide(text))
	}
	cause := &statusError{answer.StatusCode, says}
	switch code := answer.StatusCode; {
	case neterr.AsksForTLS(code, text):
		return explained.New(cause, "%s speaks TLS; the scheme should be jaeger+https", h.server.Name)
	case code == http.StatusRequestEntityTooLarge:
		return &refusedError{tooMuch: true, err: explained.New(cause, "%s takes no span of this size: %s", h.server.Name, says)}
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		return &refusedError{err: explained.New(cause, "%s refuses the spans: %s", h.server.Name, says)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return explained.New(cause, "%s refuses the user or the token (user:password@ or osp_token in the connection string): %s", h.server.Name, says)
	case code/100 == 3:
		return explained.New(cause, "%s answers with a redirect, which is not followed, because the password and the spans go to this address only: %s", h.server.Name, says)
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code/100 == 5 && code != http.StatusNotImplemented:
		return &store.TransientError{Err: explained.New(errors.Join(cause, retryAfter(answer.Header.Get("Retry-After"))), "%s cannot take the spans now: %s", h.server.Name, says)}
	}
	return explained.New(cause, "%s takes no spans at %s: %s; the path of a collector is /%s on port %d", h.server.Name, h.url, says, path, portHTTP)
}

// oneLine returns the beginning of a server's text as one line without control characters.
func oneLine(text string) string {
	const most = 300
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// A statusError is an answer of a collector.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

// maxWait bounds how long a collector may let a caller wait.
const maxWait = 30 * time.Second

// retryAfter returns the error for the header Retry-After in seconds, which store.Retry and
// package relay follow. It returns nil without it.
func retryAfter(seconds string) error {
	n, _ := strconv.Atoi(seconds) // 0 for a date, or without the header
	if n <= 0 {
		return nil
	}
	return &backoff.RetryAfterError{Duration: min(time.Duration(n), maxWait/time.Second) * time.Second}
}

// explain explains an error about the connection.
func (h *httpSender) explain(ctx context.Context, err error) error {
	if cut := neterr.ContextError(ctx, err); cut != nil && !neterr.Informs(err) {
		return cut
	}
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err // the text of the other repeats the URL
	}
	sentence := h.server.Explain(err)
	if !explained.Is(sentence) {
		sentence = explained.New(err, "cannot send to %s: %s", h.server.Name, h.hide(neterr.OneLine(err.Error())))
	}
	if class, ok := neterr.ClassOf(err); ok && class.IsTransient() && ctx.Err() == nil {
		return &store.TransientError{Err: sentence}
	}
	return sentence
}

// hide replaces the password or the token in a text, because a server may repeat it.
func (h *httpSender) hide(text string) string {
	for _, secret := range h.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

func (h *httpSender) close() error {
	h.transport.CloseIdleConnections()
	return nil
}
