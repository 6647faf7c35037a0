package kafka

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/osprofiler-otel/osprofiler/exporter/messaging/internal/bus"
)

// Same implements bus.Bus. Each cluster has an id of its own.
func (b *cluster) Same(ctx context.Context, other bus.Bus) (bool, error) {
	o, ok := other.(*cluster)
	if !ok {
		return false, nil
	}
	mine, err := b.clusterID(ctx)
	if err != nil {
		return false, err
	}
	theirs, err := o.clusterID(ctx)
	return mine != "" && mine == theirs, err
}

// clusterID returns the id of the cluster, or "" if the brokers do not report it.
func (b *cluster) clusterID(ctx context.Context) (string, error) {
	client, err := b.shared()
	if err != nil {
		return "", err
	}
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{} // of no topic
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return "", b.failure(ctx, &b.watch, err)
	}
	if response.ClusterID == nil {
		return "", nil
	}
	return *response.ClusterID, nil
}
