package otlpreceiver

import (
	"net/http"
	"strconv"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// An answerer writes answers in the encoding of the request, JSON or protobuf.
type answerer struct {
	http.ResponseWriter

	json bool
}

func (a answerer) success(response *coltracepb.ExportTraceServiceResponse) {
	a.write(http.StatusOK, response)
}

// failure answers with a google.rpc.Status.
func (a answerer) failure(f *failure) {
	if f.retry {
		a.Header().Set("Retry-After", strconv.Itoa(int(retryDelay/time.Second)))
	}
	a.write(f.http, f.status().Proto())
}

func (a answerer) write(code int, message proto.Message) {
	kind, marshal := protobufType, proto.Marshal
	if a.json {
		kind, marshal = jsonType, protojson.Marshal
	}
	body, err := marshal(message)
	if err != nil {
		code, body = http.StatusInternalServerError, nil // the texts are UTF-8, so this does not happen
	}
	a.Header().Set("Content-Type", kind)
	a.WriteHeader(code)
	_, _ = a.Write(body)
}
