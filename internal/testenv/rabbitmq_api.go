package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// addresses maps an address of a server (host:port) to another one.
type addresses struct{ known sync.Map }

func (a *addresses) set(addr, other string) { a.known.Store(addr, other) }

// get returns the other address, or else the given one.
func (a *addresses) get(addr, otherwise string) string {
	if other, ok := a.known.Load(addr); ok {
		return other.(string)
	}
	return otherwise
}

// managements has the address of the HTTP API of each server that this process knows.
var managements addresses

// A rabbitMQAPI sends requests to the HTTP API of a server or cluster.
type rabbitMQAPI struct {
	bases          []string     // http://host:port of every node
	first          atomic.Int32 // the index of the node that answered last
	user, password string
	virtualHost    string
}

// newRabbitMQAPI returns the API of the server of a connection string.
func newRabbitMQAPI(location string) (*rabbitMQAPI, error) {
	base, query, _ := strings.Cut(location, "?")
	_, rest, ok := strings.Cut(base, "://")
	options, err := url.ParseQuery(query)
	if err != nil || !ok {
		return nil, errors.New("the connection string of RabbitMQ is no URL, or its options are not escaped")
	}
	api := &rabbitMQAPI{}
	hosts, path, _ := strings.Cut(rest, "/")
	if api.virtualHost, err = url.PathUnescape(path); err != nil {
		return nil, fmt.Errorf("the virtual host: %w", err)
	}
	if api.virtualHost == "" {
		api.virtualHost = "/"
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if at := strings.LastIndexByte(host, '@'); at >= 0 {
			user, password, _ := strings.Cut(host[:at], ":")
			api.user, err = url.PathUnescape(user)
			api.password, _ = url.PathUnescape(password)
			host = host[at+1:]
		}
		api.bases = append(api.bases, managementOf(host))
	}
	if own := options.Get(managementOption); own != "" {
		api.bases = []string{strings.TrimSuffix(own, "/")}
		for host := range strings.SplitSeq(hosts, ",") {
			managements.set(host[strings.LastIndexByte(host, '@')+1:], strings.TrimSuffix(own, "/"))
		}
	}
	return api, err
}

func managementOf(host string) string {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return managements.get(host, "http://"+net.JoinHostPort(name, "15672"))
}

// do sends a request with a JSON body, or without a body if body is nil, to a node that
// answers. It decodes the answer into answer, unless answer is nil or the server's answer
// is empty.
func (a *rabbitMQAPI) do(ctx context.Context, method, path string, body, answer any) error {
	var errs error
	for i := range a.bases {
		at := (int(a.first.Load()) + i) % len(a.bases)
		status, text, err := a.send(ctx, a.bases[at], method, path, body)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		a.first.Store(int32(at))
		if status >= 300 {
			return fmt.Errorf("%s %s of RabbitMQ: status %d: %.500s", method, path, status, text)
		}
		if answer != nil && len(text) > 0 {
			return json.Unmarshal(text, answer)
		}
		return nil
	}
	return errs
}

// rabbitMQClient has a timeout, because a node may be halted. It leaves no goroutine behind.
var rabbitMQClient = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (a *rabbitMQAPI) send(ctx context.Context, base, method, path string, body any) (status int, text []byte, err error) {
	var sent []byte
	if body != nil {
		if sent, err = json.Marshal(body); err != nil {
			return 0, nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(sent)) //nolint:gosec // a server of tests
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(a.user, a.password)
	answer, err := rabbitMQClient.Do(req) //nolint:gosec // a server of tests
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

func (a *rabbitMQAPI) version(ctx context.Context) (string, error) {
	var overview struct {
		Version string `json:"rabbitmq_version"`
	}
	err := a.do(ctx, http.MethodGet, "/api/overview", nil, &overview)
	return overview.Version, err
}

// decode reads an answer.
func decode(text []byte, answer any) error {
	if len(text) == 0 {
		return errors.New("an empty answer")
	}
	return json.Unmarshal(text, answer)
}
