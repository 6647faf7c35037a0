package mongo

import (
	"context"
	"sync"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// features remembers what the server refused, so that it is not asked again.
type features struct {
	noChangeStreams atomic.Bool
	noFirstInGroup  atomic.Bool // $group without $min, $max, $first
}

// serverInfo is what the server says of itself.
type serverInfo struct {
	product string // "MongoDB", "FerretDB", …
	version string

	maxDocument int // maxBsonObjectSize
	maxMessage  int // maxMessageSizeBytes
	maxBatch    int // maxWriteBatchSize

	replicaSet string // the name; empty for a single server
	isSharded  bool
}

type infoCache struct {
	mu   sync.Mutex
	info *serverInfo
}

// serverInfo returns what the server says of itself. It asks once.
func (d *database) serverInfo(ctx context.Context) (*serverInfo, error) {
	d.info.mu.Lock()
	defer d.info.mu.Unlock()
	if d.info.info != nil {
		return d.info.info, nil
	}
	info, err := call(ctx, d, askServer)
	if err == nil {
		d.info.info = info
	}
	return info, err
}

func askServer(ctx context.Context, c *collections) (*serverInfo, error) {
	var hello struct {
		MaxBsonObjectSize   int
		MaxMessageSizeBytes int
		MaxWriteBatchSize   int
		SetName             string
		Msg                 string
	}
	if err := c.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return nil, err
	}
	var build struct {
		Version  string
		FerretDB bson.Raw
	}
	if err := c.db.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil {
		return nil, err
	}
	return &serverInfo{product: "MongoDB", version: build.Version, maxDocument: hello.MaxBsonObjectSize, maxMessage: hello.MaxMessageSizeBytes, maxBatch: hello.MaxWriteBatchSize, replicaSet: hello.SetName, isSharded: hello.Msg == "isdbgrid"}, nil
}

// Version implements driver.Versioner.
func (d *database) Version(ctx context.Context) (string, error) {
	info, err := d.serverInfo(ctx)
	if err != nil {
		return "", err
	}
	return info.product + " " + info.version, nil
}
