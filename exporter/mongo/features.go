package mongo

import (
	"context"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// features remembers what the server refused, so that it is not asked again.
type features struct {
	noChangeStreams atomic.Bool
	noFirstInGroup  atomic.Bool // $group without $min, $max, $first
	hasNoUUIDs      atomic.Bool // of collections
}

// serverInfo is the information that the server gives about itself.
type serverInfo struct {
	product string // "MongoDB", "FerretDB", …
	version string

	maxDocument int // maxBsonObjectSize
	maxMessage  int // maxMessageSizeBytes
	maxBatch    int // maxWriteBatchSize

	replicaSet string // the name; empty for a single server
	isSharded  bool
}

// serverInfo returns the information that the server gives about itself. It asks once.
func (d *database) serverInfo(ctx context.Context) (*serverInfo, error) {
	if info := d.info.Load(); info != nil {
		return info, nil
	}
	info, err := call(ctx, d, askServer) // several callers may ask at once, each within its context
	if err == nil {
		d.info.Store(info)
	}
	return info, err
}

func askServer(ctx context.Context, c *collections) (*serverInfo, error) {
	var hello struct {
		MaxBsonObjectSize   int    `bson:"maxBsonObjectSize"`
		MaxMessageSizeBytes int    `bson:"maxMessageSizeBytes"`
		MaxWriteBatchSize   int    `bson:"maxWriteBatchSize"`
		SetName             string `bson:"setName"`
		Msg                 string `bson:"msg"`
	}
	if err := c.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return nil, err
	}
	info := &serverInfo{
		product:     "MongoDB",
		maxDocument: hello.MaxBsonObjectSize, maxMessage: hello.MaxMessageSizeBytes, maxBatch: hello.MaxWriteBatchSize,
		replicaSet: hello.SetName, isSharded: hello.Msg == "isdbgrid",
	}
	build, err := c.db.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	switch {
	case err != nil && classOf(err) == serverstate.Stays: // a user who may not ask
		return info, nil
	case err != nil:
		return nil, err
	}
	info.version, _ = build.Lookup("version").StringValueOK()
	for _, product := range otherProducts {
		if version, ok := build.Lookup(product.key).StringValueOK(); ok {
			info.product, info.version = product.name, version+", which speaks as MongoDB "+info.version
		}
	}
	return info, nil
}

// otherProducts are servers that name themselves in buildInfo.
var otherProducts = []struct{ key, name string }{
	{"ferretdbVersion", "FerretDB"},
	{"secantusVersion", "SecantusDB"},
}

// Version implements driver.Versioner.
func (d *database) Version(ctx context.Context) (string, error) {
	info, err := d.serverInfo(ctx)
	switch {
	case err != nil:
		return "", err
	case info.version == "":
		return info.product, nil
	}
	return info.product + " " + info.version, nil
}
