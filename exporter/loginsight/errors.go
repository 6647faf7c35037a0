package loginsight

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
	"github.com/osprofiler-otel/osprofiler/store"
)

// explain returns an error that says in one sentence what is wrong with the server
// or the connection. An error that may pass is a *store.TransientError. An error
// that is explained already stays as it is.
func (c *Client) explain(ctx context.Context, err error) error {
	var transient *store.TransientError
	if err == nil || errors.As(err, &transient) {
		return err
	}
	if cut := neterr.ContextError(ctx, err); cut != nil && !neterr.Informs(err) {
		return cut
	}
	sentence := c.sentence(err)
	if ctx.Err() == nil && classOf(err).IsTransient() {
		return &store.TransientError{Err: sentence}
	}
	return sentence
}

// sentence explains an error.
func (c *Client) sentence(err error) error {
	var answer *APIError
	var foreign *foreignError
	switch {
	case explained.Is(err):
		return err
	case errors.As(err, &foreign):
		return explained.New(err, "%s does not answer as Log Insight does: %q", c.server.Name, c.hide(foreign.text))
	case !errors.As(err, &answer):
	case answer.Status == StatusLoginTimeout || answer.Status == http.StatusUnauthorized:
		if !answer.hadSession {
			return explained.New(err, "%s refuses a request without a session, which it gives to a user, and by HTTPS only: %s", c.server.Name, c.safe(err))
		}
		return explained.New(err, "%s does not know the session, although it was just made: %s", c.server.Name, c.safe(err))
	case answer.Status/100 == 3:
		return explained.New(err, "%s answers with a redirect, which is not followed, because the password goes to this host only: %s", c.server.Name, c.safe(err))
	case answer.Status == http.StatusForbidden:
		return explained.New(err, "%s does not give the user the right to do this: %s", c.server.Name, c.safe(err))
	default:
		return explained.New(err, "%s answers: %s", c.server.Name, c.safe(err))
	}
	if explanation := c.server.Explain(err); explained.Is(explanation) {
		return explanation
	}
	return explained.New(err, "cannot use %s: %s", c.server.Name, c.safe(err))
}

// safe returns the text of an error without passwords and sessions, which a server
// might repeat.
func (c *Client) safe(err error) string { return neterr.OneLine(c.hide(err.Error())) }

// hide replaces the password, the session and more secrets in a text.
func (c *Client) hide(text string, more ...string) string {
	for _, secret := range append(more, c.config.Password, c.session.current()) {
		if secret != "" {
			text = secretPattern(secret).ReplaceAllLiteralString(strings.ReplaceAll(text, secret, "…"), "…")
		}
	}
	return text
}

// secretPattern returns the pattern of a secret. Each character may be escaped as in a
// URL, or as in JSON, also in JSON within JSON.
func secretPattern(secret string) *regexp.Regexp {
	var pattern strings.Builder
	for _, c := range secret {
		pattern.WriteString(`(?:\\*` + regexp.QuoteMeta(string(c)) + `|(?i:`)
		for _, b := range []byte(string(c)) {
			fmt.Fprintf(&pattern, "%%%02X", b)
		}
		pattern.WriteByte('|')
		for _, unit := range utf16.Encode([]rune{c}) {
			fmt.Fprintf(&pattern, `\\+u%04X`, unit)
		}
		pattern.WriteByte(')')
		if c == ' ' {
			pattern.WriteString(`|\+`)
		}
		pattern.WriteByte(')')
	}
	return regexp.MustCompile(pattern.String())
}

// classOf returns the class of an error.
func classOf(err error) serverstate.Class {
	var answer *APIError
	var foreign *foreignError
	var partial *partialError
	switch {
	case errors.As(err, &answer):
		return answer.class()
	case errors.As(err, &foreign), errors.Is(err, errNoUser):
		return serverstate.Stays
	case errors.As(err, &partial):
		return serverstate.Unknown
	}
	if class, ok := neterr.ClassOf(err); ok {
		return class
	}
	return serverstate.Unknown
}

// class returns the class of the state that the answer stands for.
func (e *APIError) class() serverstate.Class {
	code := strconv.Itoa(e.Status)
	if e.Status == http.StatusBadRequest && e.isForeign {
		return serverstate.Stays // it is not about the events
	}
	switch e.Status / 100 {
	case 3:
		code = "3xx"
	case 5:
		if _, ok := states.Exactly(code); !ok {
			code = "5xx"
		}
	}
	state, ok := states.Exactly(code)
	if !ok {
		return serverstate.Stays
	}
	return state.Class
}
