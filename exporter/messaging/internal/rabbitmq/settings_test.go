package rabbitmq

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/osprofiler-otel/osprofiler/internal/connstr"
)

func TestReadSettings(t *testing.T) {
	const none = ""
	for text, c := range map[string]struct {
		want Settings
		err  string
	}{
		none: {},
		"amqp_durable_queues=true&amqp_auto_delete=True&rabbit_ha_queues=1": {want: Settings{DurableQueues: true, AutoDelete: true, HAQueues: true}},
		"rabbit_quorum_queue=true&rabbit_quorum_delivery_limit=5&rabbit_quorum_max_memory_length=6&rabbit_quorum_max_memory_bytes=7": {
			want: Settings{QuorumQueue: true, DeliveryLimit: 5, MaxMemoryLength: 6, MaxMemoryBytes: 7},
		},
		"rabbit_qos_prefetch_count=10&heartbeat_timeout_threshold=30&rabbit_login_method=PLAIN&enable_cancel_on_failover=yes": {
			want: Settings{Prefetch: 10, Heartbeat: 30 * time.Second, LoginMethod: "PLAIN", CancelOnFailover: true},
		},
		"heartbeat_timeout_threshold=0":                 {want: Settings{Heartbeat: -1}},
		"kombu_reconnect_delay=1.0&rpc_conn_pool_size=": {},
		"rabbit_quorum_queue=true&rabbit_ha_queues=1":   {err: "it should have one of them"},
		"rabbit_login_method=GSSAPI":                    {err: `is "GSSAPI", it should be AMQPLAIN, PLAIN or EXTERNAL`},
		"rabbit_quorum_delivery_limit=0":                {want: Settings{DeliveryLimit: -1}},
		"rabbit_quorum_delivery_limit=-1":               {want: Settings{DeliveryLimit: -1}},
		"rabbit_quorum_delivery_limit=-2":               {err: "rabbit_quorum_delivery_limit"},
		"rabbit_unknown=1":                              {err: "rabbit_unknown"},
	} {
		_, o := connstr.Cut("rabbit://h/?" + text)
		s, err := readSettings(o)
		if err == nil {
			err = o.Done()
		}
		switch {
		case c.err == "" && (err != nil || s != c.want):
			t.Errorf("%s: %+v, %v", text, s, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%s: the error is %v", text, err)
		}
	}
}

// bodyOf decompresses bodies as Python's `kombu_compression` produces them. It returns a body
// unchanged if only the header says that the body is compressed.
func TestBodyOf(t *testing.T) {
	const plain = `{"payload": {}}`
	var deflated, gzipped bytes.Buffer
	for _, w := range []io.WriteCloser{zlib.NewWriter(&deflated), gzip.NewWriter(&gzipped)} {
		_, _ = io.WriteString(w, plain)
		_ = w.Close()
	}
	bz2 := "BZh91AY&SY" // truncated
	for _, c := range []struct{ method, body, want string }{
		{"", plain, plain},
		{"application/x-gzip", deflated.String(), plain},
		{"application/x-gzip", gzipped.String(), gzipped.String()},
		{"application/x-gzip", plain, plain},
		{"application/x-gzip", deflated.String()[:10], deflated.String()[:10]},
		{"application/x-bz2", bz2, bz2},
		{"application/zstd", "x", "x"},
	} {
		d := amqp.Delivery{Headers: amqp.Table{"compression": c.method}, Body: []byte(c.body)}
		if got := string(bodyOf(&d)); got != c.want {
			t.Errorf("%s: %q, want %q", c.method, got, c.want)
		}
	}
	bomb := new(bytes.Buffer)
	w := zlib.NewWriter(bomb)
	for range 65 {
		_, _ = w.Write(make([]byte, 1<<20))
	}
	_ = w.Close()
	if got := bodyOf(&amqp.Delivery{Headers: amqp.Table{"compression": "application/x-gzip"}, Body: bomb.Bytes()}); len(got) != bomb.Len() {
		t.Errorf("%d bytes", len(got))
	}
}
