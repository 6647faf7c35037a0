package kafka

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describe asks for the topics. If create is true and the broker allows it, missing topics are
// created, as Python's producer does.
func describe(ctx context.Context, client *kgo.Client, create bool, names ...string) ([]kmsg.MetadataResponseTopic, error) {
	request := kmsg.NewPtrMetadataRequest()
	request.AllowAutoTopicCreation = create
	request.IncludeTopicAuthorizedOperations = true
	for _, name := range names {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		request.Topics = append(request.Topics, topic)
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]kmsg.MetadataResponseTopic, len(response.Topics))
	for _, topic := range response.Topics {
		if topic.Topic != nil {
			byName[*topic.Topic] = topic
		}
	}
	topics := make([]kmsg.MetadataResponseTopic, len(names))
	for i, name := range names {
		topic, ok := byName[name]
		if !ok {
			topic.Topic, topic.ErrorCode = kmsg.StringPtr(name), kerr.UnknownTopicOrPartition.Code
		}
		topics[i] = topic
	}
	return topics, nil
}

// A topicError is the answer of a broker about one topic.
type topicError struct {
	topic string
	err   error
}

// Error implements error.
func (e *topicError) Error() string {
	return "the topic " + strconv.Quote(e.topic) + ": " + e.err.Error()
}

// Unwrap returns the answer.
func (e *topicError) Unwrap() error { return e.err }

// errorOf returns what is wrong with a topic, or nil.
func errorOf(topic kmsg.MetadataResponseTopic) error {
	if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
		return &topicError{*topic.Topic, err}
	}
	for _, partition := range topic.Partitions {
		if err := kerr.ErrorForCode(partition.ErrorCode); err != nil && errors.Is(err, kerr.LeaderNotAvailable) {
			return &topicError{*topic.Topic, err}
		}
	}
	return nil
}

// readable returns those topics of the bus that exist.
func (b *cluster) readable(ctx context.Context, client *kgo.Client) ([]kmsg.MetadataResponseTopic, error) {
	all, err := describe(ctx, client, false, b.config.Topics...)
	if err != nil {
		return nil, err
	}
	var topics []kmsg.MetadataResponseTopic
	for _, topic := range all {
		switch err := kerr.ErrorForCode(topic.ErrorCode); {
		case errors.Is(err, kerr.UnknownTopicOrPartition):
			continue // nothing was written yet
		case err != nil:
			return nil, &topicError{*topic.Topic, err}
		case !permits(topic, readOperation):
			return nil, &topicError{*topic.Topic, kerr.TopicAuthorizationFailed}
		}
		topics = append(topics, topic)
	}
	return topics, nil
}

// readOperation and writeOperation are Kafka's numbers of operations. They are bit positions
// in the rights of a user.
const readOperation, writeOperation = 3, 4

// permits reports whether the user may do the operation with the topic. It is true if the
// broker does not report the rights.
func permits(topic kmsg.MetadataResponseTopic, operation int) bool {
	return topic.AuthorizedOperations == math.MinInt32 || topic.AuthorizedOperations == 0 || topic.AuthorizedOperations&(1<<operation) != 0
}

// mayWrite returns an error if the user may not write to the topic of Publish.
func (b *cluster) mayWrite(ctx context.Context, client *kgo.Client) error {
	topics, err := describe(ctx, client, false, b.topic())
	if err != nil || permits(topics[0], writeOperation) {
		return err
	}
	return &topicError{b.topic(), kerr.TopicAuthorizationFailed}
}

// prepare connects, and makes sure that the topic of Publish exists and has leaders.
func (b *cluster) prepare(ctx context.Context, client *kgo.Client) error {
	if b.ready.Load() {
		return nil
	}
	if err := b.ping(ctx, client); err != nil {
		return err
	}
	if err := b.create(ctx, client); err != nil {
		return err
	}
	b.largest.Store(largestMessage(ctx, client, b.topic()))
	b.ready.Store(true)
	return nil
}

// create waits until the topic of Publish exists and has leaders. While a broker creates a
// topic, it briefly reports that the topic does not exist.
func (b *cluster) create(ctx context.Context, client *kgo.Client) error {
	deadline := time.Now().Add(b.config.Timeout)
	for {
		topics, err := describe(ctx, client, true, b.topic())
		if err != nil {
			return err
		}
		err = errorOf(topics[0])
		passes := errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.LeaderNotAvailable)
		if !passes || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// defaultLargest is Kafka's max.message.bytes for topics without that setting.
const defaultLargest = 1<<20 + 12

// leastLargest and mostLargest bound the largest batch that we send, whatever limit the topic
// has.
const leastLargest, mostLargest = 512, 64 << 20

// largestMessage returns the size of the largest batch that the topic accepts. The user may
// not have the right to ask.
func largestMessage(ctx context.Context, client *kgo.Client, topic string) int32 {
	request := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	resource.ConfigNames = []string{"max.message.bytes"}
	request.Resources = append(request.Resources, resource)
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return defaultLargest
	}
	for _, resource := range response.Resources {
		for _, config := range resource.Configs {
			if config.Value == nil || config.Name != "max.message.bytes" {
				continue
			}
			if size, err := strconv.Atoi(*config.Value); err == nil {
				return int32(min(max(size, leastLargest), mostLargest))
			}
		}
	}
	return defaultLargest
}
