package loginsight_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/exporter/loginsight"
	"github.com/osprofiler-otel/osprofiler/internal/loginsightserver"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// No part of a password is in an error, wherever the error is cut, and whatever form the
// password has in the answer. The APIError has no password either.
func TestNoPartOfSecretInErrors(t *testing.T) {
	const password = `S3cr"t\ żó&=/x`
	server := loginsightserver.New(t)
	server.SetPassword(password)
	client, err := loginsight.NewClient(loginsight.ClientConfig{
		Host: server.Host, Username: loginsightserver.Username, Password: password, TLS: trusting(t, server),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	inJSON := func(text string) string { return string(pyjson.AppendString(nil, text)) }
	forms := map[string]string{
		"plain": password, "query": url.QueryEscape(password), "path": url.PathEscape(password),
		"lower": strings.ToLower(url.QueryEscape("\"t\\ żó&=/x")), "JSON": inJSON(password), "JSON in JSON": inJSON(inJSON(password)),
		"quoted": fmt.Sprintf("%q", password),
	}
	forms["lower"] = "S3cr" + forms["lower"]
	for name, form := range forms {
		for _, before := range []int{0, 280, 290, 298, 299, 310} {
			text := strings.Repeat("-", before) + form
			for _, answer := range []string{text, `{"errorMessage": ` + inJSON(text) + `, "errorCode": ` + inJSON(text) + `}`, `{"a": ` + inJSON(text) + `}`} {
				for _, status := range []int{200, 400} {
					server.Inject(loginsightserver.Fault{Path: ingestion, Status: status, Text: answer})
					err := client.SendEvents(t.Context(), loginsight.Event{Text: "a"})
					var api *loginsight.APIError
					shown := fmt.Sprintf("%v", err)
					if errors.As(err, &api) {
						shown += api.Message + api.Code
					}
					for e := err; e != nil; e = errors.Unwrap(e) {
						shown += e.Error()
					}
					if err == nil || strings.Contains(strings.ToLower(shown), "s3c") || strings.Contains(shown, "--S") {
						t.Errorf("%s behind %d bytes: %s", name, before, shown)
					}
				}
			}
		}
	}
}

// A client without a user sends events. If the server requires a session, the error does
// not speak of a session that was made.
func TestWithoutUser(t *testing.T) {
	server := loginsightserver.New(t)
	client, err := loginsight.NewClient(loginsight.ClientConfig{Host: server.Host, TLS: trusting(t, server)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s := loginsight.New(client)
	if err := errors.Join(s.Ping(t.Context()), s.Write(t.Context(), notes(otherID, 2))); err != nil {
		t.Error(err)
	}
	if err := loginsight.New(client, loginsight.WithReadOnly()).Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "answers queries only to a user") {
		t.Errorf("got %v", err)
	}
	server.Inject(loginsightserver.Fault{Path: ingestion, Status: 401, Text: "Invalid session ID", Times: -1})
	for _, url := range []string{strings.Replace(server.URL(), "?", "?osp_plain_ingestion=yes&", 1), "loginsight://:@" + strings.SplitN(server.URL(), "@", 2)[1]} {
		s := open(t, url)
		err := s.Write(t.Context(), notes(otherID, 2))
		if err == nil || !strings.Contains(err.Error(), "refuses a request without a session") || strings.Contains(err.Error(), "just made") {
			t.Errorf("got %v", err)
		}
	}
}
