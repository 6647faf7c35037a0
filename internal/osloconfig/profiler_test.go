package osloconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// load writes files and loads their folder.
func load(t *testing.T, texts ...string) *Config {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		write(t, filepath.Join(dir, string(rune('a'+i))+".conf"), text)
	}
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConnectionString(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"redis": {
			"[profiler]\nconnection_string = redis://:pw@10.0.0.5:6379\nfilter_error_trace = True\nsocket_timeout = 0.5\nsentinel_service_name = x\n",
			"redis://:pw@10.0.0.5:6379?filter_error_trace=True&socket_timeout=0.5",
		},
		"the connection string counts more": {
			"[profiler]\nconnection_string = redissentinel://h:26379?socket_timeout=2\nsocket_timeout = 0.5\nsentinel_service_name = kolla\n",
			"redissentinel://h:26379?socket_timeout=2&sentinel_service_name=kolla",
		},
		"elasticsearch": {
			"[profiler]\nconnection_string = elasticsearch://10.0.0.5:9200\nes_doc_type = notification\nes_scroll_size = 5000\nes_scroll_time = 2m\n",
			"elasticsearch://10.0.0.5:9200?es_doc_type=notification&es_scroll_time=2m&es_scroll_size=5000",
		},
		"sql": {"[profiler]\nconnection_string = mysql+pymysql://u:p@h/db?charset=utf8\nfilter_error_trace = yes\n", "mysql+pymysql://u:p@h/db?charset=utf8"},
		"the default is the bus": {
			"[DEFAULT]\ntransport_url = rabbit://openstack:pw@10.0.0.5:5672//\n",
			"messaging://?transport_url=rabbit%3A%2F%2Fopenstack%3Apw%4010.0.0.5%3A5672%2F%2F",
		},
		"the notifications have a bus of their own": {
			"[DEFAULT]\ntransport_url = rabbit://rpc/\ncontrol_exchange = nova\n[oslo_messaging_notifications]\ntransport_url = rabbit://notify/\ntopics = notifications\ndriver = messagingv2\n[profiler]\nenabled = True\nconnection_string = messaging://\n",
			"messaging://?transport_url=rabbit%3A%2F%2Fnotify%2F&control_exchange=nova",
		},
		"rabbit": {
			"[DEFAULT]\ntransport_url = rabbit://a/?rabbit_quorum_queue=false\n[oslo_messaging_rabbit]\nssl = True\nssl_ca_file = /etc/ca.pem\nrabbit_quorum_queue = true\namqp_durable_queues = true\nrpc_conn_pool_size = 5\nssl_version =\n",
			"messaging://?transport_url=rabbit%3A%2F%2Fa%2F%3Frabbit_quorum_queue%3Dfalse&ssl=True&ssl_ca_file=%2Fetc%2Fca.pem&amqp_durable_queues=true",
		},
		"deprecated names": {
			"[DEFAULT]\ntransport_url = rabbit://rpc/\nnotification_transport_url = rabbit://$host/\nhost = notify\nrabbit_login_method = PLAIN\n[oslo_messaging_rabbit]\nrabbit_use_ssl = True\nkombu_ssl_version = TLSv1_2\nkombu_ssl_keyfile = /key\nkombu_ssl_certfile = /cert\nssl_ca_file = /ca\nkombu_ssl_ca_certs = /other\n",
			"messaging://?transport_url=rabbit%3A%2F%2Fnotify%2F&ssl=True&ssl_version=TLSv1_2&ssl_key_file=%2Fkey&ssl_cert_file=%2Fcert&ssl_ca_file=%2Fca&rabbit_login_method=PLAIN",
		},
		"kafka": {
			"[DEFAULT]\ntransport_url = kafka://u:p@h:9092/\n[oslo_messaging_kafka]\nsecurity_protocol = SASL_SSL\nssl_cafile = /ca\nconsumer_group = oslo_messaging_consumer\n[oslo_messaging_rabbit]\nssl = True\n",
			"messaging://?transport_url=kafka%3A%2F%2Fu%3Ap%40h%3A9092%2F&security_protocol=SASL_SSL&ssl_cafile=%2Fca",
		},
		"references": {
			"[DEFAULT]\nmy_ip = 10.0.0.5\n[profiler]\npw = geheim\nconnection_string = redis://:$pw@$my_ip:6379\n",
			"redis://:geheim@10.0.0.5:6379",
		},
	} {
		if got, err := load(t, test.text).ConnectionString(); err != nil || got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s\n%v", name, got, test.want, err)
		}
	}
}

func TestComplete(t *testing.T) {
	c := load(t, "[DEFAULT]\ntransport_url = rabbit://a/\n", "[profiler]\nhmac_keys = K1,K2\n[profiler_otlp]\nservice_name_prefix = cloud1\n")
	for text, want := range map[string]string{
		"messaging":               "messaging://?transport_url=rabbit%3A%2F%2Fa%2F",
		"messaging://?osp_peek=5": "messaging://?transport_url=rabbit%3A%2F%2Fa%2F&osp_peek=5",
		"messaging://?transport_url=rabbit://b/&topics=x": "messaging://?transport_url=rabbit://b/&topics=x",
		"sqlite:///x.db": "sqlite:///x.db",
	} {
		if got, err := c.Complete(text); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	if keys, err := c.HMACKeys(); keys != "K1,K2" || err != nil {
		t.Errorf("%q, %v", keys, err)
	}
	if prefix, err := c.ServiceNamePrefix(); prefix != "cloud1" || err != nil {
		t.Errorf("%q, %v", prefix, err)
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"[profiler]\nenabled = True\n":                                 "no file sets transport_url in [oslo_messaging_notifications] or [DEFAULT]",
		"[DEFAULT]\ntransport_url = localhost\n":                       "transport_url in [DEFAULT] should be a URL",
		"[profiler]\nconnection_string = redis://:secret@$my_ip\n":     "the value of option connection_string in [profiler] refers to $my_ip, which no file sets",
		"[profiler]\na = $b\nb = $a\nconnection_string = redis://$a\n": "refers to itself",
	} {
		got, err := load(t, text).ConnectionString()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %q, %v; want %s", text, got, err, want)
		}
	}
	dir := t.TempDir()
	for text, want := range map[string]string{
		"[profiler]\nconnection_string secret\n": "line 2: the line should be a [section], a comment, or an option",
		"a = 1\n":                                `line 1: option "a" should stand below a section, such as [DEFAULT]`,
		"[x\n":                                   "line 1: the line of a section should end with ]",
		"[x]\n\n = secret\n":                     "line 3: a line that begins with a blank continues the value above, but there is none",
		"[x]\n= secret\n":                        `line 2: the option has no name in front of the "="`,
		"[]\n":                                   "line 1: the section has no name",
		"[x]\na = secret\xff\n":                  "should be UTF-8 text",
	} {
		path := filepath.Join(dir, "x.conf")
		write(t, path, text)
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
	if _, err := Load(filepath.Join(dir, "nosuch.conf")); err == nil || !strings.Contains(err.Error(), `nosuch.conf": no such file or directory`) {
		t.Error(err)
	}
}

// A folder stands for its files that end in .conf, in the order of their names.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"10-a.conf": "[profiler]\nhmac_keys = first\n", "20-b.conf": "[profiler]\nhmac_keys = second\n",
		"30-c.conf.bak": "[profiler]\nhmac_keys = backup\n", ".40-d.conf": "nonsense",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := c.HMACKeys(); keys != "second" || err != nil {
		t.Errorf("%q, %v", keys, err)
	}
	if values, err := c.Values("profiler", "hmac_keys"); strings.Join(values, " ") != "first second" || err != nil {
		t.Errorf("%q, %v", values, err)
	}
}
