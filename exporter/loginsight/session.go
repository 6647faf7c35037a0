package loginsight

import (
	"context"
	"errors"
	"net/http"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A sessionKeeper holds the session. Its semaphore is held while the session is
// made, so that many goroutines make one.
type sessionKeeper struct {
	semaphore chan struct{}
	id        chan string // of length 1: the current session, or ""
}

func newSessionKeeper() sessionKeeper {
	k := sessionKeeper{semaphore: make(chan struct{}, 1), id: make(chan string, 1)}
	k.id <- ""
	return k
}

func (k *sessionKeeper) current() string {
	id := <-k.id
	k.id <- id
	return id
}

func (k *sessionKeeper) set(id string) {
	<-k.id
	k.id <- id
}

// Login logs in. If there is a session already and the server still knows it, it is
// kept. The other methods log in by themselves.
func (c *Client) Login(ctx context.Context) error {
	return c.explain(ctx, c.renew(ctx, c.session.current()))
}

// renew replaces a session with which a request failed by a new one, unless another
// goroutine has done so, or the server still knows the session.
func (c *Client) renew(ctx context.Context, old string) error {
	select {
	case c.session.semaphore <- struct{}{}:
		defer func() { <-c.session.semaphore }()
	case <-ctx.Done():
		return ctx.Err()
	}
	current := c.session.current()
	if current != old {
		return nil
	}
	if current != "" {
		active, err := c.isActive(ctx, current)
		if active || err != nil {
			return err
		}
	}
	id, err := c.login(ctx)
	if err == nil {
		c.session.set(id)
	}
	return err
}

// isActive asks the server whether it knows a session. A negative answer is not an
// error.
func (c *Client) isActive(ctx context.Context, id string) (bool, error) {
	err := c.do(ctx, request{method: http.MethodGet, path: currentPath, session: id, timeout: c.config.Timeout, read: readJSON(new(any))})
	var answer *APIError
	if errors.As(err, &answer) {
		return false, nil
	}
	return err == nil, err
}

var errNoUser = errors.New("no user")

// login makes a session. Like the Python library, it sends no provider unless one is
// configured. If the server requires a provider, login sends Local.
func (c *Client) login(ctx context.Context) (id string, err error) {
	if c.config.Username == "" {
		return "", explained.New(errNoUser, "%s answers queries only to a user; the connection string should read like %s", c.server.Name, example)
	}
	id, err = c.loginWith(ctx, c.config.Provider)
	if c.config.Provider == "" && hasStatus(err, http.StatusBadRequest) {
		id, err = c.loginWith(ctx, "Local")
	}
	switch {
	case hasStatus(err, http.StatusUnauthorized, http.StatusForbidden):
		return "", explained.New(err, "%s refuses the user or the password: %s", c.server.Name, c.safe(err))
	case err != nil:
		return "", err
	case !isHeaderValue(id):
		return "", &foreignError{text: "a login without a session"}
	}
	return id, nil
}

func (c *Client) loginWith(ctx context.Context, provider string) (id string, err error) {
	body := pyjson.AppendString([]byte(`{"username": `), c.config.Username)
	body = pyjson.AppendString(append(body, `, "password": `...), c.config.Password)
	if provider != "" {
		body = pyjson.AppendString(append(body, `, "provider": `...), provider)
	}
	body = append(body, '}')
	var answer struct {
		SessionID string `json:"sessionId"`
	}
	err = patiently(ctx, true, func() error {
		return c.do(ctx, request{method: http.MethodPost, path: sessionsPath, body: body, timeout: c.config.Timeout, read: readJSON(&answer)})
	})
	return answer.SessionID, err
}

// isHeaderValue reports whether a session can be sent in a header.
func isHeaderValue(id string) bool {
	for _, c := range []byte(id) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return id != ""
}

// withSession calls f with the session. If the server does not know the session any
// more, f is called once more with a new one.
func (c *Client) withSession(ctx context.Context, f func(session string) error) error {
	id := c.session.current()
	if id == "" {
		if err := c.renew(ctx, ""); err != nil {
			return err
		}
		id = c.session.current()
	}
	err := f(id)
	if !hasStatus(err, StatusLoginTimeout, http.StatusUnauthorized) {
		return err
	}
	if err := c.renew(ctx, id); err != nil {
		return err
	}
	return f(c.session.current())
}

// getJSON reads a small answer to a GET.
func (c *Client) getJSON(ctx context.Context, path string, answer any) error {
	return c.explain(ctx, patiently(ctx, true, func() error {
		return c.withSession(ctx, func(session string) error {
			return c.do(ctx, request{method: http.MethodGet, path: path, session: session, timeout: c.config.Timeout, read: readJSON(answer)})
		})
	}))
}
