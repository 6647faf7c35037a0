package rabbitmq

import (
	"bytes"
	"compress/bzip2"
	"compress/zlib"
	"io"

	amqp "github.com/rabbitmq/amqp091-go"
)

// mostInflated is the largest size of a decompressed body.
const mostInflated = 64 << 20

// bodyOf returns the body of a message. With the option kombu_compression, oslo.messaging
// compresses bodies, and kombu names the method in a header. A body that cannot be
// decompressed is returned unchanged.
func bodyOf(d *amqp.Delivery) []byte {
	var plain io.Reader
	switch method, _ := d.Headers["compression"].(string); method {
	case "application/x-gzip": // kombu's name for zlib
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
