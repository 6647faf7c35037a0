package testenv

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// RabbitMQVariable names the environment variable with the user's own server. Tests
// create and delete virtual hosts whose names begin with osp-test-, by the HTTP API of
// the management plugin. The option management in the URL is the address of that API. By
// default it is http://HOST:15672 of the first host. The user in the URL must be an
// administrator there.
const RabbitMQVariable = "OSP_TEST_RABBITMQ_URL"

var rabbitMQServer = resource(Resource{
	Name:     "a RabbitMQ server",
	Variable: RabbitMQVariable,
	Get: "run scripts/setup.sh, or set " + RabbitMQVariable +
		" to one of your own with the management plugin (rabbit://guest:guest@127.0.0.1:5672/?management=http://127.0.0.1:15672)",
	find:      findRabbitMQ,
	installed: canStart(new(rabbitNode).program),
	fresh:     rabbitMQVirtualHost,
})

// RabbitMQ returns the connection string of an empty virtual host of the RabbitMQ
// server: rabbit://user:password@host:port/VIRTUAL-HOST, which is a transport URL of
// oslo.messaging too. No other test uses the virtual host until this test ends.
// [RabbitMQAPI] shows the queues.
func RabbitMQ(t testing.TB) string {
	t.Helper()
	return rabbitMQServer.database(t)
}

// NewRabbitMQ is RabbitMQ for programs that are not tests. drop deletes the virtual host.
func NewRabbitMQ() (url string, drop func() error, err error) { return rabbitMQServer.newDatabase() }

// managementOption is the option with the address of the HTTP API.
const managementOption = "management"

func findRabbitMQ() (location, version string, err error) {
	if location = os.Getenv(RabbitMQVariable); location == "" {
		if location, err = launchRabbitMQ(); err != nil {
			return "", "", err
		}
	}
	api, err := newRabbitMQAPI(location)
	if err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	version, err = api.version(ctx)
	return location, version, err
}

// launchRabbitMQ starts the server that all tests share.
func launchRabbitMQ() (location string, err error) {
	mapper, err := epmdProgram()
	if err != nil {
		return "", err
	}
	n := &rabbitNode{name: "osp@localhost", cookie: rand.Text()}
	pr, err := n.program()
	if err != nil {
		return "", err
	}
	e, err := launch(mapper)
	if err != nil {
		return "", err
	}
	n.epmd = e.port
	p, err := launch(pr)
	if err != nil {
		return "", errors.Join(err, e.end())
	}
	atEnd(e.end)
	atEnd(p.end)
	return p.url(p, p.addr()) + "?" + managementOption + "=" + n.api(), nil
}

// rabbitMQVirtualHost creates a virtual host. Its URL has the other options of the
// location.
func rabbitMQVirtualHost(location string) (own string, drop func() error, err error) {
	api, err := newRabbitMQAPI(location)
	if err != nil {
		return "", nil, err
	}
	name := "osp-test-" + strings.ToLower(rand.Text()[:16])
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err = api.do(ctx, http.MethodPut, "/api/vhosts/"+name, nil, nil); err == nil {
		everything := map[string]string{"configure": ".*", "write": ".*", "read": ".*"}
		err = api.do(ctx, http.MethodPut, "/api/permissions/"+name+"/"+url.PathEscape(api.user), everything, nil)
	}
	drop = func() error {
		return api.do(context.Background(), http.MethodDelete, "/api/vhosts/"+name, nil, nil)
	}
	return inVirtualHost(location, name), drop, err
}

// inVirtualHost returns the location with another virtual host, and without the option
// management.
func inVirtualHost(location, name string) string {
	base, query, _ := strings.Cut(location, "?")
	scheme, rest, _ := strings.Cut(base, "://")
	hosts, _, _ := strings.Cut(rest, "/")
	var options []string
	for option := range strings.SplitSeq(query, "&") {
		if option != "" && !strings.HasPrefix(option, managementOption+"=") {
			options = append(options, option)
		}
	}
	own := scheme + "://" + hosts + "/" + url.PathEscape(name)
	if len(options) > 0 {
		own += "?" + strings.Join(options, "&")
	}
	return own
}
