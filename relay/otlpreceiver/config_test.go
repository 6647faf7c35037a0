package otlpreceiver_test

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/osprofiler-otel/osprofiler/bridge/convert"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
	"github.com/osprofiler-otel/osprofiler/relay/otlpreceiver"
	"github.com/osprofiler-otel/osprofiler/store"
)

func TestHandles(t *testing.T) {
	for text, want := range map[string]bool{
		"otlp+http://": true, "\tOTLP+gRPC://127.0.0.1": true, "otlp+https://x": true, "otlp+grpcs://x": true,
		"otlp://x": false, "redis://x": false, "": false,
	} {
		if got := otlpreceiver.Handles(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Without a host, only this machine can connect.
func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"otlp+http://:0": "127.0.0.1:", "otlp+grpc://127.0.0.1:0": "127.0.0.1:", "otlp+http://localhost:0/": "127.0.0.1:",
		"otlp+http://[::1]:0": "[::1]:", "otlp+http://0.0.0.0:0": "0.0.0.0:", "\uFEFFotlp+http://:0?osp_wait=1\n": "127.0.0.1:",
	} {
		r, err := otlpreceiver.Open(text, otlpreceiver.WithLogger(slog.New(slog.DiscardHandler)))
		if err != nil {
			if strings.Contains(text, "::1") {
				continue // a machine without IPv6
			}
			t.Fatal(err)
		}
		got := r.Addr().String()
		r.Close()
		if host, _, _ := net.SplitHostPort(want + "0"); host == "0.0.0.0" {
			want = "[::]:" // one socket for both address families
			if strings.HasPrefix(got, "0.0.0.0:") {
				want = "0.0.0.0:"
			}
		}
		if !strings.HasPrefix(got, want) || !strings.HasSuffix(r.Name(), got) {
			t.Errorf("%q listens at %s, as %s", text, got, r.Name())
		}
	}
}

func TestPath(t *testing.T) {
	r := open(t, free+"/other/path")
	(&target{}).drain(t, r)
	for path, want := range map[string]int{"/other/path": 200, "/v1/traces": 404} {
		if a := send(t, "POST", "http://"+r.Addr().String()+path, "{}", "Content-Type", "application/json"); a.code != want {
			t.Errorf("%s: %d", path, a.code)
		}
	}
}

func TestBadConnectionStrings(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTLP_EMPTY", " ")
	for text, want := range map[string]string{
		"otlp://127.0.0.1:0":                                 "it should be otlp+grpc,",
		"otlp+http://user:secret@127.0.0.1":                  "osp_token_file",
		"otlp+grpc://127.0.0.1:0/v1/traces":                  "gRPC has none",
		"otlp+http://127.0.0.1:70000":                        "from 1 to 65535",
		free + "?osp_wiat=1":                                 `unknown option "osp_wiat"`,
		free + "?osp_wait=0":                                 "should be more than 0",
		free + "?osp_wait=soon":                              "osp_wait=soon",
		free + "?osp_max_message_size=0":                     "at least 1",
		free + "?osp_max_memory=1000":                        "osp_max_memory=1000 of the connection string is too small",
		free + "?osp_token=secret&osp_token_env=X":           "one of the options",
		free + "?osp_token=sec%20ret":                        "no client can send it",
		free + "?osp_token_file=" + dir + "/none":            "no such file",
		free + "?osp_token_file=" + empty:                    "is empty",
		free + "?osp_token_env=OTLP_EMPTY":                   "osp_token_env=OTLP_EMPTY is empty or not set",
		free + "?osp_cert_file=" + empty:                     "the scheme should be otlp+https or",
		"otlp+https://127.0.0.1:0":                           "TLS needs a certificate",
		"otlp+grpcs://127.0.0.1:0?osp_cert_file=" + empty:    "should name a certificate and its key",
		"otlp+http://0.0.0.0:0?osp_token=secret":             "in plain text",
		"otlp+http://0.0.0.0:0?osp_token=secret&osp_wait=no": "osp_wait=no",
	} {
		r, err := otlpreceiver.Open(text)
		if err == nil {
			r.Close()
			t.Errorf("%q is taken", text)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || !errors.Is(err, store.ErrConnectionString) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAddressInUse(t *testing.T) {
	r := open(t, free)
	_, err := otlpreceiver.Open("otlp+http://" + r.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "cannot listen for OTLP at "+r.Addr().String()) || errors.Is(err, store.ErrConnectionString) {
		t.Error(err)
	}
}

// The token may be in a file or in the environment.
func TestTokenSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OTLP_TOKEN", "secret")
	for _, query := range []string{"osp_token_file=" + file, "osp_token_env=OTLP_TOKEN", "osp_token=secret"} {
		r := open(t, free+"?"+query)
		(&target{}).drain(t, r)
		for token, want := range map[string]int{"Bearer secret": 200, "Bearer other": 401} {
			if a := postJSON(t, r, "{}", "Authorization", token); a.code != want {
				t.Errorf("%s: %d", query, a.code)
			}
		}
	}
}

// A receiver that any machine can reach logs a warning, unless its clients must authenticate.
func TestOpennessIsLogged(t *testing.T) {
	certificates := testenv.NewCertificates(t, "")
	tls := "?osp_cert_file=" + certificates.Server + "&osp_key_file=" + certificates.Key
	for text, want := range map[string]bool{
		"otlp+http://0.0.0.0:0": true, free: false, "otlp+https://0.0.0.0:0" + tls: true,
		"otlp+https://0.0.0.0:0" + tls + "&osp_client_ca_certs=" + certificates.Authority: false,
		"otlp+https://0.0.0.0:0" + tls + "&osp_token=secret":                              false,
		"otlp+http://0.0.0.0:0?osp_token=secret&osp_plaintext_token=true":                 false,
	} {
		log := &lines{}
		open(t, text, otlpreceiver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
		if got := strings.Contains(log.String(), "any program that reaches this address"); got != want {
			t.Errorf("%s: %q", text, log)
		}
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log shows the token: %s", log)
		}
	}
}

// A client cannot fill the log, but the log reports the clients' errors.
func TestLog(t *testing.T) {
	log := &lines{}
	r := open(t, free+"?osp_token=secret", otlpreceiver.WithLogger(slog.New(slog.NewTextHandler(log, nil))))
	(&target{}).drain(t, r)
	began := time.Now()
	bad := strings.Replace(jsonSpan(2, "bad"), "0123456789abcdef0123456789abcdef", "0123", 1)
	responseOf(t, postJSON(t, r, jsonRequest(jsonSpan(1, "good"), bad), "Authorization", "Bearer secret"))
	for range 20 {
		postJSON(t, r, "{}", "Authorization", "Bearer other-secret")
	}
	text := log.String()
	if !strings.Contains(text, "spans were refused") || !strings.Contains(text, "the trace id should have 16 bytes, not 2") {
		t.Errorf("the log is %s", text)
	}
	if strings.Contains(text, "secret") || strings.Count(text, "\n") > 10+int(time.Since(began)/time.Second) {
		t.Errorf("the log is %s", text)
	}
	if got := r.Stats(); got.Failed != 20 || got.Refused != 1 || got.Spans != 1 || got.Requests != 1 {
		t.Errorf("%+v", got)
	}
}

// The options of the conversion apply to the spans of clients.
func TestConversion(t *testing.T) {
	r := open(t, free, otlpreceiver.WithConversion(convert.WithService("other"), convert.WithProject("region")))
	to := (&target{}).drain(t, r)
	responseOf(t, postJSON(t, r, jsonRequest(jsonSpan(1, "one"))))
	if n := to.notifications()[0]; n.Service != "other" || n.Project != "region" {
		t.Errorf("%+v", n)
	}
}
