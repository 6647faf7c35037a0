package osloconfig

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

// The groups of options that OSProfiler's services have.
const (
	groupProfiler      = "profiler"
	groupOTLP          = "profiler_otlp"
	groupNotifications = "oslo_messaging_notifications"
	groupRabbit        = "oslo_messaging_rabbit"
	groupKafka         = "oslo_messaging_kafka"
	groupDefault       = "DEFAULT"
)

// defaultConnectionString is the default of [profiler] connection_string.
const defaultConnectionString = "messaging://"

// ConnectionString returns the connection string of the bus or store to which the services
// send notifications: [profiler] connection_string, or messaging:// if no file sets it.
// See [Config.Complete] for the options that are added.
func (c *Config) ConnectionString() (string, error) {
	text, _, err := c.Value(groupProfiler, "connection_string")
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(text); text == "" {
		text = defaultConnectionString
	}
	return c.Complete(text)
}

// Complete adds settings of the files to a connection string that does not have them. For
// messaging:// these are the transport URL and the options of oslo.messaging. For a store
// they are the options of the group [profiler] that belong to such a store.
//
// The topics and the driver of [oslo_messaging_notifications] are not used, because
// OSProfiler's driver has its own: the topic profiler, and the driver messaging.
func (c *Config) Complete(connectionString string) (string, error) {
	scheme := schemeOf(connectionString)
	if scheme == "messaging" {
		return c.bus(connectionString)
	}
	var names []string
	switch scheme {
	case "redis", "rediss", "redissentinel":
		names = []string{"filter_error_trace", "socket_timeout"}
		if scheme == "redissentinel" {
			names = append(names, "sentinel_service_name")
		}
	case "elasticsearch", "elasticsearch+https", "elasticsearch+http", "opensearch", "opensearch+https":
		names = []string{"filter_error_trace", "es_doc_type", "es_scroll_time", "es_scroll_size"}
	case "mongodb", "mongodb+srv":
		names = []string{"filter_error_trace"}
	}
	return c.withOptions(connectionString, groupProfiler, names)
}

func schemeOf(connectionString string) string {
	scheme, _, _ := strings.Cut(strings.TrimSpace(connectionString), "://")
	return strings.ToLower(scheme)
}

// withOptions adds the options of a group that the connection string does not have.
func (c *Config) withOptions(connectionString, group string, names []string) (string, error) {
	_, present, _ := strings.Cut(connectionString, "?")
	var pairs []string
	for _, name := range names {
		value, _, err := c.Value(group, name)
		if err != nil {
			return "", err
		}
		if value != "" && !hasOption(present, name) {
			pairs = append(pairs, name+"="+escaped(value))
		}
	}
	if len(pairs) == 0 {
		return connectionString, nil
	}
	separator := "?"
	if strings.Contains(connectionString, "?") {
		separator = "&"
	}
	return connectionString + separator + strings.Join(pairs, "&"), nil
}

func hasOption(options, name string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(options, func(r rune) bool { return r == '&' || r == '?' }), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		return key == name
	})
}

// escaped returns a value as it is written in the options of a connection string.
func escaped(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

var errNoTransport = errors.New("the services send notifications to the message bus (messaging://), but no file sets transport_url in [oslo_messaging_notifications] or [DEFAULT]")

var _ = connstr.Own("the message bus (messaging://), but no file sets")

// bus returns a connection string of messaging:// with its transport URL.
func (c *Config) bus(connectionString string) (string, error) {
	connectionString = strings.TrimSpace(connectionString)
	if !strings.Contains(connectionString, "://") {
		connectionString += "://"
	}
	_, given, _ := strings.Cut(connectionString, "?")
	if hasOption(given, "transport_url") {
		return connectionString, nil
	}
	transport, err := c.transportURL()
	if err != nil {
		return "", err
	}
	text := "messaging://?transport_url=" + escaped(transport)
	if given != "" {
		text += "&" + given
	}
	// An option of the transport URL has precedence over that of a group.
	_, options, _ := strings.Cut(transport, "?")
	group, names := groupRabbit, rabbitOptions
	if strings.HasPrefix(schemeOf(transport), "kafka") {
		group, names = groupKafka, kafkaOptions
	}
	missing := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return hasOption(options, name) })
	}
	if group == groupRabbit {
		if text, err = c.withOptions(text, groupDefault, missing([]string{"control_exchange"})); err != nil {
			return "", err
		}
	}
	return c.withOptions(text, group, missing(names))
}

func (c *Config) transportURL() (string, error) {
	for _, group := range []string{groupNotifications, groupDefault} {
		text, _, err := c.Value(group, "transport_url")
		if err != nil {
			return "", err
		}
		if text = strings.TrimSpace(text); text != "" {
			if !strings.Contains(text, "://") {
				return "", fmt.Errorf("transport_url in [%s] should be a URL, as in rabbit://user:password@host:5672/", group)
			}
			return text, nil
		}
	}
	return "", errNoTransport
}

// rabbitOptions are the options of [oslo_messaging_rabbit] for connecting to the broker and
// for declaring queues. The other options of the group tune Python's client.
var rabbitOptions = []string{
	"ssl", "ssl_version", "ssl_key_file", "ssl_cert_file", "ssl_ca_file",
	"ssl_enforce_hostname_verification", "ssl_enforce_fips_mode",
	"rabbit_login_method", "heartbeat_timeout_threshold", "enable_cancel_on_failover",
	"amqp_durable_queues", "amqp_auto_delete", "rabbit_ha_queues", "rabbit_quorum_queue",
	"rabbit_quorum_delivery_limit", "rabbit_quorum_max_memory_length", "rabbit_quorum_max_memory_bytes",
}

// kafkaOptions are the options of [oslo_messaging_kafka] for connecting to the broker. They
// do not include the consumer group, which belongs to the service.
var kafkaOptions = []string{
	"security_protocol", "sasl_mechanism", "ssl_cafile",
	"ssl_client_cert_file", "ssl_client_key_file", "ssl_client_key_password", "compression_codec",
}

// HMACKeys returns the keys that sign trace headers: [profiler] hmac_keys. It is empty
// if no file sets them.
func (c *Config) HMACKeys() (string, error) {
	keys, _, err := c.Value(groupProfiler, "hmac_keys")
	return keys, err
}

// ServiceNamePrefix returns the prefix of the service names of OTLP spans:
// [profiler_otlp] service_name_prefix.
func (c *Config) ServiceNamePrefix() (string, error) {
	prefix, _, err := c.Value(groupOTLP, "service_name_prefix")
	return prefix, err
}
