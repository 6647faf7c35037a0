package rabbitmq

import (
	"bytes"
	"compress/bzip2"
	"compress/zlib"
	"io"

	amqp "github.com/rabbitmq/amqp091-go"
)

// mostInflated is the size to which a compressed body may grow.
const mostInflated = 64 << 20

// bodyOf returns the body of a message. oslo.messaging compresses bodies with the
// option kombu_compression; kombu names the method in a header. A body that cannot be
// decompressed is returned as it is.
func bodyOf(d *amqp.Delivery) []byte {
	var plain io.Reader
	switch method, _ := d.Headers["compression"].(string); method {
	case "application/x-gzip": // kombu means zlib by that
		r, err := zlib.NewReader(bytes.NewReader(d.Body))
		if err != nil {
			return d.Body
		}
		plain = r
	case "application/x-bz2":
		plain = bzip2.NewReader(bytes.NewReader(d.Body))
	default:
		return d.Body
	}
	body, err := io.ReadAll(io.LimitReader(plain, mostInflated+1))
	if err != nil || len(body) > mostInflated {
		return d.Body
	}
	return body
}
