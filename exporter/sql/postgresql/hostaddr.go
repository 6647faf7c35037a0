package postgresql

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
)

// takeAddresses reads libpq's option hostaddr, and returns the address of each
// host. The option names the IP address of each host. So no name server is
// asked, but the certificate and the password file are still checked by the
// host.
func takeAddresses(values map[string]string, text string) (map[string]string, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no addresses
	}
	if values["host"] == "" {
		values["host"] = text
	}
	hosts, given := strings.Split(values["host"], ","), strings.Split(text, ",")
	if len(hosts) != len(given) {
		return nil, fmt.Errorf("the connection string has %d addresses in hostaddr for %d hosts; it should have one for each", len(given), len(hosts))
	}
	addresses := map[string]string{}
	for i, host := range hosts {
		address := given[i]
		switch {
		case address == "":
			continue
		case net.ParseIP(address) == nil:
			return nil, fmt.Errorf("option hostaddr=%s of the connection string should be an IP address for each host", text)
		case host == "":
			hosts[i], host = address, address
		}
		if other := addresses[host]; other != "" && other != address {
			return nil, fmt.Errorf("option hostaddr=%s of the connection string gives two addresses to the host %q; a host should have one", text, host)
		}
		addresses[host] = address
	}
	values["host"] = strings.Join(hosts, ",")
	return addresses, nil
}

// lookUpIn makes the driver connect to the addresses of the hosts.
func lookUpIn(c *pgx.ConnConfig, addresses map[string]string) {
	if len(addresses) == 0 {
		return
	}
	next := c.LookupFunc
	c.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		if address := addresses[host]; address != "" {
			return []string{address}, nil
		}
		return next(ctx, host)
	}
}
