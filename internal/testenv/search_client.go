package testenv

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// A searchClient sends requests to the first server of a connection string.
type searchClient struct {
	base           string // http://host:port/prefix
	user, password string
	apiKey         string
	http           *http.Client
}

func newSearchClient(connectionString string) (*searchClient, error) {
	rest, query, _ := strings.Cut(connectionString, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("the options of the connection string are not escaped")
	}
	scheme, rest, _ := strings.Cut(rest, "://")
	c := &searchClient{apiKey: options.Get("osp_api_key"), http: &http.Client{}}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		c.user, c.password, _ = strings.Cut(rest[:at], ":")
		c.user, _ = url.PathUnescape(c.user)
		c.password, _ = url.PathUnescape(c.password)
		rest = rest[at+1:]
	}
	hosts, prefix, _ := strings.Cut(rest, "/")
	first, _, _ := strings.Cut(hosts, ",")
	c.base = "http://" + first
	transport := &http.Transport{DisableKeepAlives: true}
	c.http.Transport = transport
	if strings.HasSuffix(scheme, "+https") {
		c.base = "https://" + first
		transport.TLSClientConfig, err = trustOf(options.Get("ca_certs"))
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		c.base += "/" + prefix
	}
	return c, err
}

// trustOf returns the configuration of TLS that trusts the authority of a file, or
// the system's if there is no file.
func trustOf(path string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if path == "" {
		return config, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the user's own file
	config.RootCAs = x509.NewCertPool()
	if err == nil && !config.RootCAs.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s has no certificate", path)
	}
	return config, err
}

// do sends a request with a JSON body, or without a body if it is "".
func (c *searchClient) do(ctx context.Context, method, path, body string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, strings.NewReader(body)) //nolint:gosec // a server of tests
	if err != nil {
		return 0, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.user != "" {
		req.SetBasicAuth(c.user, c.password)
	}
	if c.apiKey != "" {
		req.Header.Set("Authorization", "ApiKey "+c.apiKey)
	}
	res, err := c.http.Do(req) //nolint:gosec // a server of tests
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// must is do without a body. It returns an error for an answer that is no success.
func (c *searchClient) must(ctx context.Context, method, path string) (answer string, err error) {
	status, answer, err := c.do(ctx, method, path, "")
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%s %s: status %d: %.300s", method, path, status, answer)
	}
	return answer, err
}

// SearchRequest sends a request with a JSON body, or without a body if it is "", to
// the server of a connection string. It returns every answer, also that of a failed
// request.
func SearchRequest(t testing.TB, connectionString, method, path, body string) (status int, answer string) {
	t.Helper()
	c, err := newSearchClient(connectionString)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	status, answer, err = c.do(ctx, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, answer
}

// AsUser returns a connection string with another user and password, or without
// them if user is "".
func AsUser(connectionString, user, password string) string {
	scheme, rest, _ := strings.Cut(connectionString, "://")
	rest, options, query := strings.Cut(rest, "?")
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if query {
		rest += "?" + options
	}
	if user != "" {
		rest = url.UserPassword(user, password).String() + "@" + rest
	}
	return scheme + "://" + rest
}

func searchVersion(connectionString string) (string, error) {
	c, err := newSearchClient(connectionString)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer, err := c.must(ctx, http.MethodGet, "/")
	if err != nil {
		return "", err
	}
	var root struct{ Version struct{ Number string } }
	if err := json.Unmarshal([]byte(answer), &root); err != nil {
		return "", fmt.Errorf("the answer to GET / is not JSON: %w", err)
	}
	return root.Version.Number, nil
}

// freshIndices adds the names of two indices to a connection string. drop deletes
// all indices and templates whose names begin with the first name.
func freshIndices(connectionString string) (url string, drop func() error, err error) {
	c, err := newSearchClient(connectionString)
	if err != nil {
		return "", nil, err
	}
	index := "osp-test-" + strings.ToLower(rand.Text()[:16])
	separator := "?"
	if strings.Contains(connectionString, "?") {
		separator = "&"
	}
	url = connectionString + separator + "index_name=" + index + "&osp_error_index_name=" + index + "-error"
	return url, func() error { return c.deleteIndices(index) }, nil
}

func (c *searchClient) deleteIndices(prefix string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// Some servers refuse to delete indices by a pattern.
	names, err := c.must(ctx, http.MethodGet, "/_cat/indices/"+prefix+"*?h=index")
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(names) {
		if _, err := c.must(ctx, http.MethodDelete, "/"+name+"?ignore_unavailable=true"); err != nil {
			return err
		}
	}
	for _, kind := range []string{"/_index_template/", "/_template/"} {
		if status, answer, err := c.do(ctx, http.MethodDelete, kind+prefix+"*", ""); err != nil || status/100 != 2 && status != http.StatusNotFound {
			return errors.Join(err, fmt.Errorf("DELETE %s%s*: status %d: %.300s", kind, prefix, status, answer))
		}
	}
	return nil
}
