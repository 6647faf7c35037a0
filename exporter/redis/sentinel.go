package redis

import (
	"errors"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// sentinels reads the name of the master, and further sentinels. The hosts of a
// redis:// string with the option sentinel are sentinels, too, because OpenStack's
// deployment tools write strings of that form.
//
// As in the Python library, the user and the password before the "@" are those of
// the master. The sentinels have separate options for theirs.
func (t *target) sentinels(o *connstr.Options) error {
	if t.scheme == schemeSentinel {
		t.client.MasterName = defaultMaster
	}
	service, named := o.Take("sentinel_service_name")
	master, ok := o.Take("sentinel")
	switch {
	case named && ok && service != master:
		return errors.New("options sentinel and sentinel_service_name of the connection string name different masters; one of them should be left out")
	case named:
		t.client.MasterName = service
	case ok:
		t.client.MasterName = master
	}
	o.Text("sentinel_username", &t.client.SentinelUsername)
	o.Text("sentinel_password", &t.client.SentinelPassword)
	fallbacks := o.Each("sentinel_fallback")
	if t.client.MasterName == "" {
		if len(fallbacks) > 0 || t.scheme == schemeSentinel {
			return errors.New("the connection string names sentinels but no master; option sentinel should say which, as in sentinel=mymaster")
		}
		return nil
	}
	if t.scheme == schemeUnix {
		return errors.New("the connection string names a socket and a master of sentinels; sentinels have hosts, as in redissentinel://host:26379")
	}
	for _, host := range fallbacks {
		addr, ok := connstr.Address(host, "localhost", defaultSentinelPort)
		if !ok {
			return errHost
		}
		t.client.Addrs = append(t.client.Addrs, addr)
	}
	return nil
}
