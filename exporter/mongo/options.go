package mongo

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// passedOn are the options that mean the same to pymongo and to the client
// library, which checks their values.
var passedOn = []string{
	"appName", "authMechanism", "authMechanismProperties", "authSource", "compressors", "connectTimeoutMS", "directConnection",
	"heartbeatFrequencyMS", "loadBalanced", "localThresholdMS", "maxConnecting", "maxIdleTimeMS", "maxPoolSize",
	"maxStalenessSeconds", "minPoolSize", "readConcernLevel", "readPreference", "replicaSet", "retryReads", "retryWrites",
	"serverMonitoringMode", "serverSelectionTimeoutMS", "srvMaxHosts", "srvServiceName", "zlibCompressionLevel", "zstdCompressionLevel",
	"maxAdaptiveRetries", "enableOverloadRetargeting",
}

// tuning are options of pymongo that only tune its connections, or say what Python
// makes of values.
var tuning = []string{
	"waitQueueTimeoutMS", "waitQueueMultiple", "socketKeepAlive", "tz_aware", "tzinfo", "unicode_decode_error_handler",
	"datetime_conversion", "document_class", "driver",
}

// others are options with a meaning of their own here.
var others = []string{
	"connect", "db_name", "filter_error_trace", "fsync", "gssapiServiceName", "heartbeatIntervalMS", "j", "journal", "maxStaleness",
	"osp_read_only", "osp_ttl", "readPreferenceTags", "socketTimeoutMS", "timeoutMS", "uuidRepresentation", "w", "wtimeout", "wTimeoutMS",
}

// names maps the names of the options in lower case to those that this package
// asks for. Names of MongoDB's options are read in any case.
var names = func() map[string]string {
	m := map[string]string{}
	for _, list := range [][]string{passedOn, tuning, others, tlsNames} {
		for _, name := range list {
			m[strings.ToLower(name)] = name
		}
	}
	return m
}()

// canonical writes the names of the options as this package asks for them, and "&"
// between options that have ";" between them, which pymongo takes, too.
func canonical(connectionString string) string {
	i := strings.LastIndexByte(connectionString, '?')
	if i < 0 {
		return connectionString
	}
	rest, text := connectionString[:i+1], connectionString[i+1:]
	if !strings.Contains(text, "&") {
		text = strings.ReplaceAll(text, ";", "&")
	}
	pairs := strings.Split(text, "&")
	for i, pair := range pairs {
		name, value, hasValue := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && names[strings.ToLower(plain)] != "" {
			pairs[i] = names[strings.ToLower(plain)]
			if hasValue {
				pairs[i] += "=" + value
			}
		}
	}
	return rest + strings.Join(pairs, "&")
}

// readOptions reads the options of the Python library, those of MongoDB and of
// pymongo, and our own.
func (t *target) readOptions(o *connstr.Options) error {
	o.Filled("db_name", &t.database)
	o.Bool("filter_error_trace", &t.filterErrorTrace)
	o.Bool("osp_read_only", &t.readOnly)
	var ttl time.Duration
	o.Duration("osp_ttl", &ttl)
	if ttl > 0 {
		WithTTL(ttl).apply(&t.config)
	}
	t.passed = url.Values{}
	for _, name := range passedOn {
		if text, ok := o.Take(name); ok {
			t.passed.Set(name, text)
		}
	}
	t.hasSelection, t.hasConnect = t.passed.Has("serverSelectionTimeoutMS"), t.passed.Has("connectTimeoutMS")
	if tags := o.Each("readPreferenceTags"); len(tags) > 0 {
		t.passed["readPreferenceTags"] = tags // in the order of preference
	}
	for _, alias := range [][2]string{{"heartbeatIntervalMS", "heartbeatFrequencyMS"}, {"maxStaleness", "maxStalenessSeconds"}} {
		if text, ok := o.Take(alias[0]); ok && !t.passed.Has(alias[1]) {
			t.passed.Set(alias[1], text)
		}
	}
	t.readTimes(o)
	err := cmp.Or(t.readWriteConcern(o), t.readConnect(o), t.checkDatabase())
	if text, ok := o.Take("uuidRepresentation"); ok && strings.HasSuffix(strings.ToLower(text), "legacy") && !strings.EqualFold(text, "pythonLegacy") {
		o.Refuse("uuidRepresentation", "UUIDs of the old subtype are read in the order of bytes that Python writes by default; standard or pythonLegacy are right")
	}
	o.Refuse("gssapiServiceName", "authMechanismProperties=SERVICE_NAME:name says the same")
	o.Ignore(tuning...)
	var errTLS error
	t.tls, errTLS = t.readTLS(o)
	// An option that cannot be read comes first: it may be why TLS cannot be had.
	return cmp.Or(o.Done(), err, errTLS)
}

// readTimes reads the times that the client library expects in another form.
func (t *target) readTimes(o *connstr.Options) {
	for _, name := range []string{"socketTimeoutMS", "timeoutMS"} {
		milliseconds := int(t.timeout / time.Millisecond)
		o.Int(name, &milliseconds, 0)
		if _, ok := o.Take(name); ok {
			t.timeout = time.Duration(milliseconds) * time.Millisecond // 0: without end
		}
	}
	for _, name := range []string{"wtimeout", "wTimeoutMS"} {
		milliseconds := 0
		o.Int(name, &milliseconds, 0)
		t.writeTimeout = max(t.writeTimeout, time.Duration(milliseconds)*time.Millisecond)
	}
}

// readWriteConcern reads w and journal. fsync is an old name of at least journal.
func (t *target) readWriteConcern(o *connstr.Options) error {
	if w, ok := o.Take("w"); ok {
		t.passed.Set("w", w)
	}
	journal, isSet := false, false
	for _, name := range []string{"journal", "j", "fsync"} {
		on := false
		o.Bool(name, &on)
		if _, ok := o.Take(name); !ok {
			continue
		}
		if isSet && on != journal {
			return errors.New("the options journal, j and fsync of the connection string contradict each other; one of them should be given")
		}
		journal, isSet = on, true
	}
	if isSet {
		t.passed.Set("journal", strconv.FormatBool(journal))
	}
	return nil
}

// readConnect reads the option connect, which has two meanings: for pymongo, whether to
// connect at once, and for the client library, how to connect.
func (t *target) readConnect(o *connstr.Options) error {
	text, ok := o.Take("connect")
	switch strings.ToLower(text) {
	case "direct", "automatic":
		t.passed.Set("connect", strings.ToLower(text))
	case "true", "false":
	default:
		if ok {
			return fmt.Errorf("option connect=%s of the connection string should be direct or automatic (or true or false, which pymongo takes)", text)
		}
	}
	return nil
}

// checkDatabase refuses a name that no server takes.
func (t *target) checkDatabase() error {
	if t.database == "" || len(t.database) > 63 || strings.ContainsAny(t.database, "/\\. \"$*<>:|?\x00") {
		return fmt.Errorf(`option db_name=%q of the connection string should be the name of a database: 1 to 63 bytes without /\. "$*<>:|?`, t.database)
	}
	return nil
}
