package mongo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]func(*target, *options.ClientOptions) bool{
		"mongodb://h": func(x *target, o *options.ClientOptions) bool {
			return x.hosts[0] == "h:27017" && x.database == "osprofiler" && x.timeout == defaultTimeout && o.Auth == nil &&
				*o.ServerSelectionTimeout == defaultSelection && o.WriteConcern.W == "majority" && *o.WriteConcern.Journal
		},
		"mongodb://h1:1,[::1]:2,h3/other": func(x *target, o *options.ClientOptions) bool {
			return strings.Join(o.Hosts, " ") == "h1:1 [::1]:2 h3:27017" && x.database == "osprofiler"
		},
		"mongodb://%2Ftmp%2Fmongodb-27017.sock": func(_ *target, o *options.ClientOptions) bool { return o.Hosts[0] == "/tmp/mongodb-27017.sock" },
		"mongodb://u%40:p%2Fw@h/db.coll": func(_ *target, o *options.ClientOptions) bool {
			return o.Auth.Username == "u@" && o.Auth.Password == "p/w" && o.Auth.AuthSource == "db"
		},
		"mongodb://u:p:/w@h/": func(_ *target, o *options.ClientOptions) bool {
			return o.Auth.Password == "p:/w" && o.Auth.AuthSource == "admin"
		},
		"mongodb://u:p@h/db?authSource=x&AUTHMECHANISM=SCRAM-SHA-256": func(_ *target, o *options.ClientOptions) bool {
			return o.Auth.AuthSource == "x" && o.Auth.AuthMechanism == "SCRAM-SHA-256"
		},
		"mongodb://h?db_name=x&filter_error_trace=True&osp_read_only": func(x *target, _ *options.ClientOptions) bool {
			return x.database == "x" && x.filterErrorTrace && x.readOnly
		},
		"mongodb://h/?w=1": func(_ *target, o *options.ClientOptions) bool {
			return o.WriteConcern.W == 1 && o.WriteConcern.Journal == nil
		},
		"mongodb://h/?w=two;j=true;wtimeoutMS=1500": func(x *target, o *options.ClientOptions) bool {
			return o.WriteConcern.W == "two" && *o.WriteConcern.Journal && x.writeTimeout == 1500*time.Millisecond
		},
		"mongodb://h/?fsync=true": func(_ *target, o *options.ClientOptions) bool { return *o.WriteConcern.Journal },
		"mongodb://h/?sockettimeoutms=2000&serverSelectionTimeoutMS=7": func(x *target, o *options.ClientOptions) bool {
			return x.timeout == 2*time.Second && *o.ServerSelectionTimeout == 7*time.Millisecond
		},
		"mongodb://h/?timeoutMS=0": func(x *target, _ *options.ClientOptions) bool { return x.timeout == 0 },
		"mongodb://h/?replicaSet=rs&readPreference=secondaryPreferred&readPreferenceTags=dc:a,rack:1&readPreferenceTags=&maxStalenessSeconds=120": func(_ *target, o *options.ClientOptions) bool {
			return *o.ReplicaSet == "rs" && len(o.ReadPreference.TagSets()) == 2
		},
		"mongodb://h/?connect=false&uuidRepresentation=pythonLegacy&tz_aware=true&waitQueueTimeoutMS=5&retryWrites=false&readConcernLevel=majority": func(_ *target, o *options.ClientOptions) bool {
			return o.Direct == nil && !*o.RetryWrites && o.ReadConcern.Level == "majority"
		},
		"mongodb://h/?connect=direct":          func(_ *target, o *options.ClientOptions) bool { return *o.Direct },
		"mongodb://h/?compressors=zlib,snappy": func(_ *target, o *options.ClientOptions) bool { return len(o.Compressors) == 2 },
		"mongodb://h/?w=1&w=1":                 func(_ *target, o *options.ClientOptions) bool { return o.WriteConcern.W == 1 },
		"MongoDB://h":                          func(x *target, _ *options.ClientOptions) bool { return x.scheme == "mongodb" },
	} {
		x, err := parse(text, newConfig(nil))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		o, err := x.clientOptions()
		if err != nil || !want(x, o) {
			t.Errorf("%s: %v: %+v", text, err, x)
		}
	}
}

// A name server is not asked while a connection string is read.
func TestParseSRV(t *testing.T) {
	x, err := parse("mongodb+srv://u:p@cluster.invalid/?srvMaxHosts=2&srvServiceName=x&w=1", newConfig(nil))
	if err != nil || x.hosts[0] != "cluster.invalid" || x.tls == nil {
		t.Errorf("%+v, %v", x, err)
	}
	x, err = parse("mongodb+srv://cluster.invalid/?tls=false", newConfig(nil))
	if err != nil || x.tls != nil || x.passed.Get("tls") != "false" {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestRefusedConnectionStrings(t *testing.T) {
	for text, want := range map[string]string{
		"mongodb://":                                 "the host of the connection string should be a host and a port",
		"mongodb://h:x":                              "the host of the connection string should be a host and a port",
		"mongodb://h,":                               "the host of the connection string should be a host and a port",
		"mongodb://::1":                              "the host of the connection string should be a host and a port",
		"mongodb://:pw@h":                            "a password without a user",
		"mongodb://u:%zz@h":                          "a percent sign that is no escape",
		"mongodb://h/a b":                            "the database of the connection string should be",
		"mongodb+srv://h1,h2":                        "should have one host without a port",
		"mongodb+srv://h:27017":                      "should have one host without a port",
		"mongodb://h/?typo=1":                        `unknown option "typo"`,
		"mongodb://h/?w=0":                           "option w=0 of the connection string is not supported",
		"mongodb://h/?w=-1":                          "w",
		"mongodb://h/?w=1&W=2":                       "option w of the connection string is repeated with different values",
		"mongodb://h/?j=true&journal=false":          "contradict each other",
		"mongodb://h/?tls=true&ssl=false":            "contradict each other",
		"mongodb://h/?tls=false&tlsInsecure=true":    "options for TLS (tlsInsecure), but tls=false",
		"mongodb://h/?tlsCRLFile=x":                  "option tlsCRLFile of the connection string is not supported",
		"mongodb://h/?ssl_cert_reqs=maybe":           "CERT_REQUIRED",
		"mongodb://h/?tlsCAFile=/no/such":            `option tlsCAFile="/no/such"`,
		"mongodb://h/?tlsCAFile=":                    "option tlsCAFile of the connection string is empty",
		"mongodb://h/?tlsCAFile=/a&ssl_ca_certs=/b":  "contradicts tlsCAFile",
		"mongodb://h/?uuidRepresentation=javaLegacy": "option uuidRepresentation of the connection string is not supported",
		"mongodb://h/?connect=later":                 "option connect=later",
		"mongodb://h/?db_name=a.b":                   `option db_name="a.b"`,
		"mongodb://h/?socketTimeoutMS=-1":            "option socketTimeoutMS=-1",
		"mongodb://h/?replicaSet=a&replicaSet=b":     "option replicaSet of the connection string is repeated",
		"mongodb://h/?readPreference=nearby":         "unknown read preference nearby",
		"mongodb://h/?authMechanism=MONGODB-CR":      "auth mechanism",
		"mongodb://h1,h2/?directConnection=true":     "direct connection",
		"mongodb://h/?maxPoolSize=many":              "maxPoolSize",
		"mongodb://u:geheim@h/?authMechanismProperties=geheim:x&authMechanism=SCRAM-SHA-1": "should be one that MongoDB takes",
	} {
		_, err := parse(text, newConfig(nil))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// The server is verified by TLS unless an option turns the verification off, by any of its
// names.
func TestTLSOptions(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	for text, want := range map[string]string{
		"":                                          "off",
		"tls=true":                                  "host",
		"ssl=true":                                  "host",
		"tls=false":                                 "off",
		"tlsAllowInvalidHostnames=true":             "chain",
		"tls=true&ssl_match_hostname=false":         "chain",
		"tlsAllowInvalidCertificates=true":          "nothing",
		"tlsInsecure=true":                          "nothing",
		"sslInsecure=true":                          "nothing",
		"tlsInsecure=false":                         "host",
		"ssl_cert_reqs=CERT_NONE":                   "nothing",
		"ssl=true&ssl_cert_reqs=CERT_OPTIONAL":      "host",
		"tlsCAFile=" + c.Authority:                  "host",
		"ssl_ca_certs=" + c.Authority:               "host",
		"ssl=true&tlsDisableOCSPEndpointCheck=true": "host",
		"tlsCertificateKeyFilePassword=x":           "host",
	} {
		x, err := parse("mongodb://h/?"+text, newConfig(nil))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := "host"
		switch {
		case x.tls == nil:
			got = "off"
		case x.tls.VerifyConnection != nil:
			got = "chain"
		case x.tls.InsecureSkipVerify:
			got = "nothing"
		}
		if got != want || strings.Contains(text, c.Authority) != (x.tls != nil && x.tls.RootCAs != nil) {
			t.Errorf("%s: verifies %s, want %s", text, got, want)
		}
	}
}

// MongoDB wants certificate and key in one file. pymongo 3 accepts two files.
func TestClientCertificate(t *testing.T) {
	c := testenv.NewCertificates(t, "")
	both := filepath.Join(t.TempDir(), "both.pem")
	certificate, _ := os.ReadFile(c.Server)
	key, _ := os.ReadFile(c.Key)
	if err := os.WriteFile(both, append(certificate, key...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"tlsCertificateKeyFile=" + both, "ssl_certfile=" + c.Server + "&ssl_keyfile=" + c.Key, "tlsCertificateFile=" + c.Server + "&tlsPrivateKeyFile=" + c.Key} {
		x, err := parse("mongodb://h/?authMechanism=MONGODB-X509&"+text, newConfig(nil))
		if err != nil || x.tls == nil || len(x.tls.Certificates) != 1 {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := parse("mongodb://h/?ssl_keyfile="+c.Key, newConfig(nil)); err == nil {
		t.Error("a key without its certificate is taken")
	}
}

func FuzzConnectionString(f *testing.F) {
	f.Add("mongodb://u:geheim@h1,h2/db?w=1&tls=true")
	f.Add("mongodb+srv://u:geheim@h/?authSource=x;j=1")
	f.Add("mongodb://%2Ftmp%2Fx.sock/?readPreferenceTags=a:b&readPreferenceTags=")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := parse(text, newConfig(nil))
		if err != nil {
			if strings.Contains(connstr.Redact(err.Error(), text), "geheim") && strings.Contains(text, ":geheim@") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if len(x.hosts) == 0 || x.database == "" {
			t.Errorf("%q: %+v", text, x)
		}
	})
}
