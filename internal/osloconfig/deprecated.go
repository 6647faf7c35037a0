package osloconfig

// deprecated has the earlier names of options of oslo.messaging, in the order in which
// oslo.config looks for them. The names are those of oslo.messaging 14. Later releases
// have fewer of them.
var deprecated = map[reference][]reference{
	{groupNotifications, "transport_url"}: {{groupDefault, "notification_transport_url"}},
	{groupRabbit, "ssl"}:                  {{groupRabbit, "rabbit_use_ssl"}},
	{groupRabbit, "ssl_version"}:          {{groupRabbit, "kombu_ssl_version"}},
	{groupRabbit, "ssl_key_file"}:         {{groupRabbit, "kombu_ssl_keyfile"}},
	{groupRabbit, "ssl_cert_file"}:        {{groupRabbit, "kombu_ssl_certfile"}},
	{groupRabbit, "ssl_ca_file"}:          {{groupRabbit, "kombu_ssl_ca_certs"}},
	{groupRabbit, "rabbit_login_method"}:  {{groupDefault, "rabbit_login_method"}},
	{groupRabbit, "rabbit_ha_queues"}:     {{groupDefault, "rabbit_ha_queues"}},
	{groupRabbit, "amqp_auto_delete"}:     {{groupDefault, "amqp_auto_delete"}},
}
