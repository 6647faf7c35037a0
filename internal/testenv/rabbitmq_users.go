package testenv

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// AddUser makes a user of the server. The user has no right in any virtual host until
// [RabbitMQView.Permit]. The server keeps users when the test ends.
func (v *RabbitMQView) AddUser(name, password string) {
	v.t.Helper()
	v.Do(http.MethodPut, "/api/users/"+url.PathEscape(name), map[string]string{"password": password, "tags": ""}, nil)
	v.t.Cleanup(func() { // the server may be gone
		_ = v.api.do(context.Background(), http.MethodDelete, "/api/users/"+url.PathEscape(name), nil, nil)
	})
}

// Permit grants a user rights in the virtual host. Each right is a pattern for the names of
// queues and exchanges: ".*" is all of them, "" none.
func (v *RabbitMQView) Permit(user, configure, write, read string) {
	v.t.Helper()
	v.Do(http.MethodPut, "/api/permissions/"+v.host+"/"+url.PathEscape(user),
		map[string]string{"configure": configure, "write": write, "read": read}, nil)
}

// SetPolicy sets properties of the queues whose names match a pattern. The properties are
// not part of a queue's declaration, such as {"ha-mode": "all"} or {"max-length": 10}.
func (v *RabbitMQView) SetPolicy(name, pattern string, definition map[string]any) {
	v.t.Helper()
	v.Do(http.MethodPut, "/api/policies/"+v.host+"/"+url.PathEscape(name),
		map[string]any{"pattern": pattern, "definition": definition, "apply-to": "queues"}, nil)
}

// Alarms returns the alarms of the nodes that the server has now: "memory", "disk space".
func (v *RabbitMQView) Alarms() []string {
	v.t.Helper()
	var answer struct {
		Alarms []struct{ Resource string }
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	// The status of the answer is 503 if there are alarms.
	_, text, err := v.api.send(ctx, v.api.bases[v.api.first.Load()], http.MethodGet, "/api/health/checks/alarms", nil)
	if err = errors.Join(err, decode(text, &answer)); err != nil {
		v.t.Fatal(err)
	}
	var names []string
	for _, a := range answer.Alarms {
		names = append(names, a.Resource)
	}
	slices.Sort(names)
	return names
}

// AwaitQueue waits until a queue exists and the condition is true for it.
func (v *RabbitMQView) AwaitQueue(name string, condition func(RabbitMQQueue) bool) RabbitMQQueue {
	v.t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		q, ok := v.Queues()[name]
		if ok && condition(q) {
			return q
		}
		if time.Since(began) > patience {
			v.t.Fatalf("queue %q stays %+v (it exists: %t)", name, q, ok)
		}
	}
}
