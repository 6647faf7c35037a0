package otlp

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/safetext"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// A peer describes the target in errors.
type peer struct {
	neterr.Server
	secrets []string // values of headers, which a target might repeat
}

func newPeer(t *target) peer {
	p := peer{Server: neterr.Server{Name: "the OTLP target at " + t.host, Timeout: t.timeout, TimeoutOption: "osp_timeout"}}
	without, with := schemeHTTP, schemeHTTPS
	if t.isGRPC() {
		without, with = schemeGRPC, schemeGRPCS
	}
	if t.withTLS {
		p.Without = "the connection string should start with " + without + "://"
		p.Trust = "osp_ca_certs names the file with the authority to trust"
	} else {
		p.Hint = "where it speaks TLS, the connection string should start with " + with + "://"
	}
	for name, value := range t.headers {
		if name != "user-agent" && len(value) > 3 {
			p.secrets = append(p.secrets, value)
			if _, token, ok := strings.Cut(value, " "); ok && len(token) > 3 { // Bearer token
				p.secrets = append(p.secrets, token)
			}
		}
	}
	return p
}

// maxReason is the largest number of characters of a target's message in an error.
const maxReason = 300

// safe returns a target's message on one line, without the values of headers.
func (p *peer) safe(text string) string {
	for _, secret := range p.secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	text = strings.Join(strings.Fields(text), " ")
	if text == "" {
		return "it gives no reason"
	}
	return safetext.Escape(safetext.Shorten(text, maxReason))
}

// ofConnection returns the failure that an error of the connection is, or nil if the
// error is not about the connection.
func (p *peer) ofConnection(ctx context.Context, err error) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done() // its timer is about to fire; a server that knows the deadline may answer earlier
	}
	if context.Cause(ctx) == errTimeout { //nolint:errorlint // it is this very error
		return p.timedOut(err)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	class, ok := neterr.ClassOf(err)
	if !ok {
		return nil
	}
	return newFailure(class, false, 0, p.Explain(err))
}

// timedOut returns the failure of a request that took too long.
func (p *peer) timedOut(err error) error {
	if neterr.Informs(err) && explained.Is(p.Explain(err)) {
		return newFailure(serverstate.Unknown, false, 0, p.Explain(err))
	}
	sentence := explained.New(errors.Join(errTimeout, err), "%s did not answer within the osp_timeout of %s", p.Name, p.Timeout.Round(time.Millisecond))
	return newFailure(serverstate.Unknown, false, 0, sentence)
}

// answered is the answer of a target that did not accept a request.
type answered struct {
	class    serverstate.Class
	tooLarge bool
	after    time.Duration // until the target wants the request again
	code     string
	shown    string // the code with its meaning
	reason   string
}

// refused returns the failure of an answer.
func (p *peer) refused(a answered, err error) error {
	verb, wait := "refuses the spans", ""
	switch {
	case isFailing(a.code):
		verb = "fails"
	case a.class.IsTransient():
		verb = "cannot take the spans now"
	case a.class == serverstate.Stays:
		verb = "takes no spans from this client"
	}
	if a.class.IsTransient() && a.after > 0 {
		wait = "; it asks to wait for " + explained.Seconds(a.after)
	}
	failed := newFailure(a.class, a.tooLarge, a.after, explained.New(err, "%s %s (%s): %s%s", p.Name, verb, a.shown, p.safe(a.reason), wait))
	var f *failure
	if errors.As(failed, &f) {
		f.fails = isFailing(a.code)
	}
	return failed
}
