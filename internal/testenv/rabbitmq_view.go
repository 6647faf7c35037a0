package testenv

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// A RabbitMQView shows and changes a virtual host by the HTTP API of the server, for a
// test.
type RabbitMQView struct {
	t    testing.TB
	api  *rabbitMQAPI
	host string // the virtual host, escaped
}

// RabbitMQAPI returns the view of the virtual host of a connection string. Its addresses
// must be those of the servers, not of a [Proxy].
func RabbitMQAPI(t testing.TB, url string) *RabbitMQView {
	t.Helper()
	api, err := newRabbitMQAPI(url)
	if err != nil {
		t.Fatal(err)
	}
	return viewOf(t, api)
}

func viewOf(t testing.TB, api *rabbitMQAPI) *RabbitMQView {
	return &RabbitMQView{t: t, api: api, host: url.PathEscape(api.virtualHost)}
}

// Do sends a request to the HTTP API, such as GET /api/connections. body is sent as
// JSON unless it is nil, and the answer is read into answer unless it is nil.
func (v *RabbitMQView) Do(method, path string, body, answer any) {
	v.t.Helper()
	if err := v.api.do(context.Background(), method, path, body, answer); err != nil {
		v.t.Fatal(err)
	}
}

// A RabbitMQQueue is a queue as it is now. The counts of a quorum queue may be a moment
// old: see AwaitQueue.
type RabbitMQQueue struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"` // classic, quorum or stream
	Durable    bool           `json:"durable"`
	AutoDelete bool           `json:"auto_delete"`
	Exclusive  bool           `json:"exclusive"`
	Arguments  map[string]any `json:"arguments"`
	State      string         `json:"state"`
	Leader     string         `json:"leader"`  // the node that leads it, NAME@localhost
	Members    []string       `json:"members"` // the nodes with a copy of a quorum queue

	Messages       int `json:"messages"`
	Ready          int `json:"messages_ready"`
	Unacknowledged int `json:"messages_unacknowledged"`
}

// Queues returns the queues by name.
func (v *RabbitMQView) Queues() map[string]RabbitMQQueue {
	v.t.Helper()
	var all []struct {
		RabbitMQQueue
		Node string `json:"node"` // the leader of other queues than quorum queues
	}
	// Other forms of this request answer with numbers that are some seconds old.
	v.Do(http.MethodGet, "/api/queues/"+v.host+"?disable_stats=true&enable_queue_totals=true", nil, &all)
	queues := map[string]RabbitMQQueue{}
	for _, q := range all {
		q.Leader += q.Node
		queues[q.Name] = q.RabbitMQQueue
	}
	return queues
}

// A RabbitMQMessage is a message in a queue.
type RabbitMQMessage struct {
	Body        []byte
	Exchange    string
	RoutingKey  string
	Redelivered bool
	Properties  RabbitMQProperties
}

// RabbitMQProperties are the properties of a message that tests look at.
type RabbitMQProperties struct {
	ContentType     string         `json:"content_type,omitempty"`
	ContentEncoding string         `json:"content_encoding,omitempty"`
	DeliveryMode    int            `json:"delivery_mode,omitempty"`
	Priority        int            `json:"priority,omitempty"`
	MessageID       string         `json:"message_id,omitempty"`
	Headers         map[string]any `json:"headers,omitempty"`
}

// UnmarshalJSON reads properties. The server writes [] if there are none.
func (p *RabbitMQProperties) UnmarshalJSON(text []byte) error {
	if string(text) == "[]" {
		return nil
	}
	type plain RabbitMQProperties
	return json.Unmarshal(text, (*plain)(p))
}

// Messages returns the ready messages of a queue in their order. The messages stay in the
// queue, but are marked as delivered before.
func (v *RabbitMQView) Messages(queue string) []RabbitMQMessage {
	v.t.Helper()
	return v.get(queue, "ack_requeue_true")
}

// Take is Messages, but removes the messages from the queue.
func (v *RabbitMQView) Take(queue string) []RabbitMQMessage {
	v.t.Helper()
	return v.get(queue, "ack_requeue_false")
}

func (v *RabbitMQView) get(queue, mode string) []RabbitMQMessage {
	v.t.Helper()
	var all []struct {
		Exchange    string             `json:"exchange"`
		RoutingKey  string             `json:"routing_key"`
		Redelivered bool               `json:"redelivered"`
		Payload     string             `json:"payload"`
		Encoding    string             `json:"payload_encoding"`
		Properties  RabbitMQProperties `json:"properties"`
	}
	v.Do(http.MethodPost, "/api/queues/"+v.host+"/"+url.PathEscape(queue)+"/get",
		map[string]any{"count": 1 << 30, "ackmode": mode, "encoding": "base64"}, &all)
	messages := make([]RabbitMQMessage, len(all))
	for i, m := range all {
		body, err := base64.StdEncoding.DecodeString(m.Payload)
		if err != nil {
			v.t.Fatal(err)
		}
		messages[i] = RabbitMQMessage{body, m.Exchange, m.RoutingKey, m.Redelivered, m.Properties}
	}
	return messages
}

// Declare makes a queue, with the arguments of the protocol.
func (v *RabbitMQView) Declare(queue string, durable bool, arguments map[string]any) {
	v.t.Helper()
	if arguments == nil {
		arguments = map[string]any{}
	}
	v.Do(http.MethodPut, "/api/queues/"+v.host+"/"+url.PathEscape(queue), map[string]any{"durable": durable, "arguments": arguments}, nil)
}

// Delete deletes a queue.
func (v *RabbitMQView) Delete(queue string) {
	v.t.Helper()
	v.Do(http.MethodDelete, "/api/queues/"+v.host+"/"+url.PathEscape(queue), nil, nil)
}

// Publish publishes a message to an exchange, or to a queue if the exchange is "". It
// reports whether a queue got the message.
func (v *RabbitMQView) Publish(exchange, routingKey string, body []byte, properties RabbitMQProperties) (routed bool) {
	v.t.Helper()
	if exchange == "" {
		exchange = "amq.default"
	}
	var answer struct {
		Routed bool `json:"routed"`
	}
	v.Do(http.MethodPost, "/api/exchanges/"+v.host+"/"+url.PathEscape(exchange)+"/publish", map[string]any{
		"routing_key": routingKey, "payload": base64.StdEncoding.EncodeToString(body), "payload_encoding": "base64",
		"properties": properties,
	}, &answer)
	return answer.Routed
}
