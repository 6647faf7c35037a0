package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/osprofiler-otel/osprofiler/internal/explained"
	"github.com/osprofiler-otel/osprofiler/internal/neterr"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// An answer is the answer of a server to a request, or to one item of a bulk
// request, that failed.
type answer struct {
	status int
	failure
	text string // the body, if it is not the JSON of these products
}

// A failure is the error of an answer.
type failure struct {
	Type     string   `json:"type"`
	Reason   string   `json:"reason"`
	CausedBy *failure `json:"caused_by"`
}

// Error returns the type and the reasons.
func (a *answer) Error() string {
	if a.Type == "" {
		return strings.TrimSpace(fmt.Sprintf("%d %s: %s", a.status, http.StatusText(a.status), a.text))
	}
	return fmt.Sprintf("%d %s: %s", a.status, a.Type, a.reasons())
}

// reasons returns the reasons from the outermost to the innermost, each once.
func (f *failure) reasons() string {
	text := f.Reason
	for cause := f.CausedBy; cause != nil; cause = cause.CausedBy {
		if cause.Reason != "" && !strings.Contains(text, cause.Reason) {
			text += ": " + cause.Reason
		}
	}
	return neterr.OneLine(shortText(text))
}

// shortText returns the beginning of a text, because a server's reason may quote
// a whole document.
func shortText(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// has reports whether the error or one of its causes has the type.
func (f *failure) has(kind string) bool {
	for ; f != nil; f = f.CausedBy {
		if f.Type == kind {
			return true
		}
	}
	return false
}

// parseAnswer reads the answer to a request that failed.
func parseAnswer(res *esapi.Response, body []byte) *answer {
	a := &answer{status: res.StatusCode}
	var whole struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &whole) == nil && len(whole.Error) > 0 {
		if json.Unmarshal(whole.Error, &a.failure) == nil && a.Type != "" {
			return a
		}
		_ = json.Unmarshal(whole.Error, &a.text) // an error of the REST layer is a text
	}
	if a.text == "" && !strings.Contains(res.Header.Get("Content-Type"), "html") {
		a.text = string(body)
	}
	a.text = neterr.OneLine(shortText(strings.TrimSpace(a.text)))
	return a
}

var errForeign = errors.New("no answer of Elasticsearch or OpenSearch")

// foreign returns the error for an answer of another kind of server.
func (c *cluster) foreign(body []byte) error {
	return explained.New(errForeign, "%s does not answer as Elasticsearch or OpenSearch does: %q", c.name, shortText(neterr.OneLine(string(body))))
}

// classOf returns the class of an error.
func classOf(err error) serverstate.Class {
	var a *answer
	if errors.As(err, &a) {
		return a.class()
	}
	if errors.Is(err, errForeign) {
		return serverstate.Stays
	}
	if class, ok := neterr.ClassOf(err); ok {
		return class
	}
	return serverstate.Unknown
}

// class returns the class of the state that the answer stands for.
func (a *answer) class() serverstate.Class {
	status := strconv.Itoa(a.status)
	if a.has("cluster_block_exception") && strings.Contains(a.reasons(), "create-index blocked") {
		return serverstate.Passes // OpenSearch blocks new indices while its disks are nearly full
	}
	for f := &a.failure; f != nil && f.Type != ""; f = f.CausedBy {
		text := f.Type + ": " + f.Reason
		if state, ok := states.Find(status + " " + text); ok && state.Code != status {
			return state.Class
		}
		if state, ok := states.Find(text); ok {
			return state.Class
		}
	}
	if a.status/100 == 3 {
		status = "3xx"
	}
	state, _ := states.Exactly(status)
	return state.Class // Unknown if there is none
}

// pressure matches the reason of a server that has too little memory for writes. Its
// groups are the size of the operation and the limit for all operations, in bytes.
var pressure = regexp.MustCompile(`(?:coordinating|primary)_operation_bytes=(\d+), max_[a-z_]*bytes=(\d+)`)

// isOverLimit reports whether one operation is larger than the limit for all operations
// together, so that the server never accepts the operation.
func (a *answer) isOverLimit() bool {
	match := pressure.FindStringSubmatch(a.reasons())
	if match == nil {
		return false
	}
	size, err := strconv.ParseInt(match[1], 10, 64)
	limit, err2 := strconv.ParseInt(match[2], 10, 64)
	return err == nil && err2 == nil && size > limit
}

// explain returns an error that says in one sentence what is wrong with the
// server or the connection. An error that is explained already stays as it is.
func (c *cluster) explain(ctx context.Context, err error) error {
	var a *answer
	switch {
	case err == nil:
		return nil
	case neterr.ContextError(ctx, err) != nil && !neterr.Informs(err):
		return neterr.ContextError(ctx, err)
	case explained.Is(err):
		return err
	case errors.As(err, &a):
		return explained.New(err, "%s", c.sentence(a))
	}
	at := neterr.Server{
		Name: c.name, Timeout: c.timeout, TimeoutOption: "osp_timeout", Hint: c.hint,
		Without: c.without, Trust: trustHint,
	}
	if explanation := at.Explain(err); explained.Is(explanation) {
		return explanation
	}
	return explained.New(err, "cannot use %s: %s", c.name, neterr.OneLine(err.Error()))
}

// trustHint says how to trust the authority of a server.
const trustHint = "ca_certs names the file with the authority to trust"

// sentence explains an answer.
func (c *cluster) sentence(a *answer) string {
	switch {
	case a.status == http.StatusUnauthorized:
		return fmt.Sprintf("%s refuses the user, the password or the API key of the connection string: %s", c.name, a)
	case a.status == http.StatusForbidden && a.has("security_exception"):
		return fmt.Sprintf("%s does not give the user of the connection string the rights that docs/stores/elasticsearch.md lists: %s", c.name, a)
	case a.status == http.StatusTooManyRequests && a.has("cluster_block_exception"):
		return fmt.Sprintf("%s takes no writes because its disk is full (flood stage); it takes them again when the disk has room: %s", c.name, a)
	case strings.Contains(a.reasons(), "No space left on device"):
		return fmt.Sprintf("%s cannot write because its disk is full: %s", c.name, a)
	case a.has("cluster_block_exception"):
		return fmt.Sprintf("%s takes no writes because the index or the cluster is blocked: %s", c.name, a)
	case a.status == http.StatusRequestEntityTooLarge:
		return fmt.Sprintf("%s, or a proxy before it, does not take so large a request; http.max_content_length of the server should be larger: %s", c.name, a)
	}
	return fmt.Sprintf("%s answers: %s", c.name, a)
}
