package postgresql

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// tuning lists the options of libpq that only tune its connections.
var tuning = []string{"keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"}

// takeOptionsOfOtherClients takes the options of libpq and SQLAlchemy that the driver does not
// have. Options that only tune another client are ignored. An option that would change the
// session or whom to trust, and cannot be honoured, is an error.
func takeOptionsOfOtherClients(values map[string]string, options *connstr.Options) error {
	options.Ignore("client_encoding", "plugin")                                                                     // all text is transmitted as UTF-8
	options.Ignore("authtype", "tty")                                                                               // libpq ignores them, too
	options.Ignore("prepare_threshold", "prepared_statement_cache_size", "statement_cache_size", "command_timeout") // options of psycopg and asyncpg
	options.Ignore("async_fallback", "prepared_statement_name_func", "max_cached_statement_lifetime", "max_cacheable_statement_size")
	options.Ignore(tuning...)
	if text, _ := options.Take("replication"); !slices.Contains([]string{"", "false", "off", "no", "0"}, strings.ToLower(text)) {
		options.Refuse("replication", "the store needs an ordinary session")
	}
	options.Refuse("sslkeylogfile", "keys of TLS sessions are never written down")
	for _, name := range []string{"scram_client_key", "scram_server_key"} {
		options.Refuse(name, "the user's password is needed")
	}
	for _, name := range []string{"oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope"} {
		options.Refuse(name, "there is no authentication by OAuth")
	}
	switch order, _ := options.Take("load_balance_hosts"); order {
	case "", "disable":
		return nil
	case "random":
		return shuffleHosts(values)
	default:
		return fmt.Errorf("option load_balance_hosts=%s of the connection string should be disable or random", order)
	}
}

// shuffleHosts puts the hosts in random order, each with its port. libpq does
// that for each connection, the store once when it is opened.
func shuffleHosts(values map[string]string) error {
	hosts, ports := strings.Split(values["host"], ","), strings.Split(values["port"], ",")
	paired := len(ports) == len(hosts)
	if !paired && len(ports) > 1 {
		return fmt.Errorf("the connection string has %d ports for %d hosts; it should have one for each, or one for all", len(ports), len(hosts))
	}
	rand.Shuffle(len(hosts), func(i, j int) { //nolint:gosec // the order is not a secret
		hosts[i], hosts[j] = hosts[j], hosts[i]
		if paired {
			ports[i], ports[j] = ports[j], ports[i]
		}
	})
	values["host"], values["port"] = strings.Join(hosts, ","), strings.Join(ports, ",")
	return nil
}

// tune removes the options that only tune the client from the driver's
// configuration, because the driver would send them to the server. A service
// file or a data source may have set them. fallback_application_name applies if
// nothing else names the application.
func tune(c *pgx.ConnConfig) {
	const fallback, name = "fallback_application_name", "application_name"
	c.RuntimeParams[name] = cmp.Or(c.RuntimeParams[name], c.RuntimeParams[fallback])
	if c.RuntimeParams[name] == "" {
		delete(c.RuntimeParams, name)
	}
	for _, option := range append([]string{fallback, "load_balance_hosts"}, tuning...) {
		delete(c.RuntimeParams, option)
	}
}
