package mongo_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/exporter/mongo"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// odd are keys and texts that some server, or some version of pymongo, does not accept,
// and similar ones with which they may be confused.
var odd = []string{
	"", "a", "a.b", ".", "..", "$a", "$", "a$", "a\x00b", "\x00", "\xed\xa0\x80", "\xed\xbf\xbf x", "ż", "😀", "_id", "__proto__", "etype", "host",
	"osp_original", "osp_chunks", "base_id", "$set", "$where", "\uFF0E", "\uFF04a", "\uFFFD", "'; DROP", strings.Repeat("k", 2000), "0", "-1", "true", "NaN",
}

var oddNumbers = []string{
	"0", "-0", "1", "2147483648", "-9223372036854775808", "9223372036854775807", "9223372036854775808", "123456789012345678901234567890", "0.0", "-0.0", "1.5",
	"1.50", "1e400", "-1e400", "1e-400", "5e-324", "1E5", "1e+16", "NaN", "Infinity", "-Infinity", "true", "false", "null",
}

// A hostile draws infos.
type hostile struct{ *rand.Rand }

func pick[T any](h hostile, all []T) T { return all[h.IntN(len(all))] }

func (h hostile) value(levels int) string {
	switch h.IntN(6) {
	case 0:
		if levels > 0 {
			return h.object(levels - 1)
		}
	case 1:
		if levels > 0 {
			return "[" + h.value(levels-1) + pick(h, []string{", ", ","}) + h.value(levels-1) + "]"
		}
	case 2:
		return string(pyjson.AppendString(nil, pick(h, odd)))
	case 3:
		return string(pyjson.AppendStringUTF8(nil, pick(h, odd)))
	case 4:
		depth := h.IntN(400)
		open, end := "[", "]"
		if h.IntN(2) == 0 {
			open, end = `{"a": `, "}"
		}
		return strings.Repeat(open, depth) + "1" + strings.Repeat(end, depth)
	}
	return pick(h, oddNumbers)
}

func (h hostile) object(levels int) string {
	var members []string
	for range h.IntN(5) {
		members = append(members, string(pyjson.AppendString(nil, pick(h, odd)))+pick(h, []string{": ", ":"})+h.value(levels))
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// Every notification is stored and its text is read back, whatever its info contains.
func TestHostileNotifications(t *testing.T) {
	const traces, each = 6, 200
	onEachServer(t, func(t *testing.T, url string) {
		h := hostile{rand.New(rand.NewPCG(1, 2))}
		s := open(t, url)
		written := map[string]map[string]osprofiler.Notification{}
		var batch []osprofiler.Notification
		for i := range traces {
			id := osprofiler.NewID()
			if i%2 == 0 {
				id = odd[4*i+1] + fmt.Sprint(i)
			}
			written[id] = map[string]osprofiler.Notification{}
			for range each {
				n := notification(pick(h, odd)+"-start", h.object(3))
				n.BaseID, n.Project, n.ParentID = id, pick(h, odd), pick(h, odd)
				written[id][n.TraceID] = n
				batch = append(batch, n)
			}
		}
		write(t, s, batch...)
		for id, all := range written {
			back := readBack(t, s, id)
			if len(back) != len(all) {
				t.Errorf("%q: %d notifications came back, want %d", id, len(back), len(all))
			}
			for _, n := range back {
				want := all[n.TraceID]
				if !mongo.SameButSpelling(string(n.Info), string(want.Info)) || !n.Equal(want) {
					t.Errorf("%s\ncame back as\n%s", want.JSON(), n.JSON())
				}
			}
		}
		for _, document := range documents(t, bare(t, url).Collection("profiler")) {
			if err := document.Validate(); err != nil || document.Lookup("info").Type != bson.TypeEmbeddedDocument {
				t.Errorf("%v: %s", err, document)
			}
		}
	})
}

// Python's driver reads the documents of any infos, with old and new pymongo.
func TestPythonReadsHostileNotifications(t *testing.T) {
	h := hostile{rand.New(rand.NewPCG(3, 4))}
	url := testenv.MongoDB(t)
	var batch []osprofiler.Notification
	id := osprofiler.NewID()
	for range 500 {
		n := notification(pick(h, odd)+"-start", h.object(3))
		n.BaseID, n.ParentID, n.Info = id, id, n.Info.With("host", `"h"`) // Python's driver needs a host
		batch = append(batch, n)
	}
	write(t, open(t, url), batch...)
	server, database := split(url)
	for name, find := range map[string]func(testing.TB) string{"debian": testenv.Python, "newest": testenv.NewPython} {
		t.Run(name, func(t *testing.T) {
			const script = `
import sys
from osprofiler.drivers.mongodb import MongoDB
url, database, id = sys.argv[1:]
d = MongoDB(url, db_name=database)
assert "children" in d.get_report(id)
print(sum(1 for n in d.db.profiler.find({"base_id": id}) if isinstance(n["info"], dict)))`
			out, err := exec.CommandContext(t.Context(), find(t), "-c", script, server, database, id).CombinedOutput()
			if text := strings.TrimSpace(string(out)); err != nil || !strings.HasSuffix(text, "500") {
				t.Errorf("%v: %s", err, text)
			}
		})
	}
}
