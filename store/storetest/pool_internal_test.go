package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

// A pool returns each notification once, however its JSON is written, and lists the remaining
// ones.
func TestPool(t *testing.T) {
	info := func(text string) osprofiler.Notification {
		return osprofiler.Notification{Name: "x-start", Info: osprofiler.Info(text)}
	}
	deep := strings.Repeat("[", 2000) + "%s" + strings.Repeat("]", 2000)
	all := []osprofiler.Notification{
		info(`{"a": 1, "b": 2}`), info(`{"a": 1, "b": 2}`), info(`{}`), info(fmt.Sprintf(`{"deep": `+deep+`}`, `{"a": 1, "b": 2}`)), info(`{"last": 1}`),
	}
	p := newPool(all)
	for _, n := range []osprofiler.Notification{info(`{"b": 2, "a":1}`), all[1], info(fmt.Sprintf(`{"deep": `+deep+`}`, `{"a":1,"b":2}`))} {
		if !p.has(n) || !p.take(n) {
			t.Errorf("%.50s is not found", n.Info)
		}
	}
	if p.take(all[0]) || p.has(info(`{"a": 2}`)) {
		t.Error("a notification is there more often than it was put in")
	}
	if rest := p.left(); !slices.Equal(rest, []osprofiler.Notification{all[2], all[4]}) {
		t.Errorf("%d are left", len(rest))
	}
}
