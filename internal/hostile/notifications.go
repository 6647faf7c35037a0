package hostile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

const (
	longID     = 5000 // characters
	mostEvents = 200  // notifications of a trace
)

// A generator makes notifications from a seed.
type generator struct {
	*rand.Rand
	made  int    // number of notifications
	trace string // JSON of the base id
	left  int    // number of notifications that the trace still gets
	begin time.Time
}

// Notifications returns count different notifications of traces with up to 200
// notifications each. No two notifications of a trace have the same time. The
// first notification of each trace has an ordinary time.
func Notifications(seed uint64, count int) []osprofiler.Notification {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // the seed must reproduce the values
	all := make([]osprofiler.Notification, 0, count)
	for range count {
		text := g.notification()
		n, err := osprofiler.ParseNotification(text)
		if err != nil {
			panic(fmt.Sprintf("%.2000s: %v", text, err)) // a mistake in this package
		}
		all = append(all, n)
	}
	return all
}

// one returns true in one of n calls on average.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

// id returns a new UUID of the generator.
func (g *generator) id() string {
	a, b := g.Uint64(), g.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// notification returns the JSON of the next notification.
func (g *generator) notification() string {
	g.made++
	first := g.left == 0
	if first {
		g.trace, g.left = g.baseID(), g.IntN(mostEvents)+1
		g.begin = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(g.IntN(1_000_000)) * time.Second * 60)
	}
	g.left--
	m := []member{
		{"name", quote(fmt.Sprintf("%s-%d-%s", g.oneOf("wsgi", "db", "rpc", "neutron.api"), g.made, g.oneOf("start", "stop")))},
		{"base_id", g.trace},
		{"trace_id", quote(g.id())},
		{"parent_id", g.trace},
		{"timestamp", quote(osprofiler.FormatTime(g.time()))},
		{"info", g.info()},
		{"project", `"nova"`},
		{"service", `"api"`},
	}
	switch {
	case first:
	case g.one(12):
		m = g.oddMembers(m)
	case g.one(40):
		m[4].value = g.oddTime()
	}
	return object(m)
}

// time returns a time that no other notification of the trace has.
func (g *generator) time() time.Time {
	return g.begin.Add(time.Duration(g.left)*time.Minute + time.Duration(g.IntN(50_000_000))*time.Microsecond)
}

// baseID returns the JSON of the base id of a new trace.
func (g *generator) baseID() string {
	if !g.one(5) {
		return quote(g.id())
	}
	odd := []string{
		quote(strings.Repeat("l", longID) + g.id()), quote(strings.Repeat("😀", longID) + g.id()), quote(strings.Repeat("m", 400) + g.id()),
		`"\ud800 ` + g.id() + `"`, `"` + g.id() + `\u0000"`, `" ` + g.id() + ` "`, `"$` + g.id() + `"`, `"` + g.id() + `\nsecond line"`,
		`"2020-01-01T00:00:00.` + g.id()[:6] + `"`, quote("é" + g.id()), quote("e\u0301" + g.id()), quote("../" + g.id() + "?a=*&b=%00#"),
		fmt.Sprint(g.made), fmt.Sprintf("%d.50", g.made), fmt.Sprintf("9007199254740993%d", g.made), fmt.Sprintf(`["a", %d]`, g.made), fmt.Sprintf(`{"a": %d}`, g.made),
		quote(strings.ToUpper(g.id())), quote(strings.ReplaceAll(g.id(), "-", "")), "null", `""`, "true", quote(fmt.Sprint(g.made)),
	}
	return odd[g.IntN(len(odd))]
}

// oddTime returns the JSON of a timestamp that has another form than Python's. The time,
// or the text if the timestamp is not a time, differs in each notification of a trace.
func (g *generator) oddTime() string {
	t := g.time()
	odd := []string{
		quote(t.Format("2006-01-02 15:04:05.000000")), quote(t.Format("2006-01-02T15:04:05")), quote(t.Format(time.RFC3339Nano)),
		quote(t.In(time.FixedZone("", 2*3600)).Format("2006-01-02T15:04:05.999999-07:00")), quote(t.Format("2006-01-02T15:04:05.000000000")),
		quote(t.AddDate(-1500, 0, 0).Format("2006-01-02T15:04:05.000000")), quote(t.AddDate(7900, 0, 0).Format("2006-01-02T15:04:05.000000")),
		quote(fmt.Sprintf("0000-00-00T00:00:00.%06d", g.made)), quote(fmt.Sprintf("2024-02-31T00:00:00.%06d", g.made)), quote(fmt.Sprint("yesterday ", g.made)),
		quote(fmt.Sprint("\x00", g.made)), fmt.Sprintf(`"\ud800%d"`, g.made), quote(strings.Repeat("9", longID) + fmt.Sprint(g.made)),
		fmt.Sprint(g.made), fmt.Sprintf("%d.5", g.made), fmt.Sprintf("[%d]", g.made), fmt.Sprintf(`{"$date": %d}`, g.made),
	}
	return odd[g.IntN(len(odd))]
}

// oddMembers changes the members of a notification, but not its base id.
func (g *generator) oddMembers(m []member) []member {
	name, value := &m[0].value, g.value(2)
	switch g.IntN(16) {
	case 0:
		*name = fmt.Sprintf(`"nul\u0000-%d-start"`, g.made)
	case 1:
		*name = fmt.Sprintf(`"\ud800 lone %d-stop"`, g.made)
	case 2:
		*name = quote(strings.Repeat("n", longID) + fmt.Sprint(g.made))
	case 3:
		*name = fmt.Sprint(g.made)
	case 4:
		m[2].value = quote(strings.Repeat("t", longID) + g.id())
	case 5:
		m[2].value = value
	case 6:
		m[3].value = g.oneOf("null", `""`, value)
	case 7:
		m[6].value = value
	case 8:
		m[7].value = g.oneOf(value, `""`, "null", `"\u0000"`)
	case 9:
		m[5].value = g.oneOf("null", `"text"`, `""`, "5", "NaN", "[]", `[{"etype": "E"}]`, "{}")
	case 10:
		m = append(m[:5], m[6:]...)
	case 11:
		m = append(m[:6], m[7:]...)
	case 12:
		m = append(m, member{g.key(), value}, member{"extra", value})
	case 13:
		m = append(m, member{g.oneOf("osp_original", "osp_chunks", "info.host", "info.etype", "_id", "_source", "$set", "", "a.b", "host"), value})
	case 14:
		m = append([]member{{"name", `"first-start"`}, {"info", value}}, m...) // the last one counts
	default:
		g.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
	}
	return m
}

// oneOf returns one of the values.
func (g *generator) oneOf(values ...string) string { return values[g.IntN(len(values))] }

// A member is a key and the JSON of its value.
type member struct{ key, value string }

func object(members []member) string {
	b := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(pyjson.AppendString(b, m.key), ": "...)
		b = append(b, m.value...)
	}
	return string(append(b, '}'))
}

func quote(text string) string { return string(pyjson.AppendString(nil, text)) }
