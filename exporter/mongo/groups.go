package mongo

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	gomongo "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/serverstate"
)

// field returns the expression for a field.
func field(name string) string { return "$" + name }

// hasType returns the expression that a field has one of some types.
func hasType(name string, types ...string) bson.D {
	return bson.D{{Key: "$in", Value: bson.A{bson.D{{Key: "$type", Value: field(name)}}, types}}}
}

// canonicalTime matches the timestamps that osprofiler.FormatTime writes, which
// are in the order of their texts.
const canonicalTime = `^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}$`

const keyEtype = keyInfo + ".etype"

// isPlain is the expression that a document is plain: its fields say what a
// Summary needs, without its original, and can be compared by the server.
var isPlain = bson.D{{Key: "$and", Value: bson.A{
	hasType(keyOriginal, "missing"), hasType(keyChunks, "missing"),
	hasType(keyName, "string"), hasType(keyTraceID, "string"),
	bson.D{{Key: "$ne", Value: bson.A{field(keyTraceID), ""}}}, // operations without a trace id differ by name
	hasType(keyService, "string", "null", "missing"), hasType(keyProject, "string", "null", "missing"),
	hasType(keyInfo, "object"), hasType(keyEtype, "string", "null", "missing"),
	bson.D{{Key: "$regexMatch", Value: bson.D{
		{Key: "input", Value: bson.D{{Key: "$cond", Value: bson.A{hasType(keyTimestamp, "string"), field(keyTimestamp), ""}}}},
		{Key: "regex", Value: canonicalTime},
	}}},
}}}

// isFailed is the expression that a plain document is a failure.
var isFailed = hasType(keyEtype, "string")

func ifThen(condition, then, otherwise any) bson.D {
	return bson.D{{Key: "$cond", Value: bson.A{condition, then, otherwise}}}
}

func accumulate(name, operator string, expression any) bson.E {
	return bson.E{Key: name, Value: bson.D{{Key: operator, Value: expression}}}
}

// groupStages sum up the traces: first the operations, so that each counts once,
// and then the traces. The first event is the smallest one, by time and then by
// _id.
var groupStages = gomongo.Pipeline{
	{{Key: "$group", Value: bson.D{
		{Key: keyID, Value: bson.D{{Key: "b", Value: field(keyBaseID)}, {Key: "t", Value: field(keyTraceID)}}},
		accumulate("notifications", "$sum", 1),
		accumulate("first", "$min", bson.D{
			{Key: "time", Value: field(keyTimestamp)}, {Key: "id", Value: field(keyID)},
			{Key: "name", Value: field(keyName)}, {Key: "service", Value: field(keyService)}, {Key: "project", Value: field(keyProject)},
		}),
		accumulate("last", "$max", field(keyTimestamp)),
		accumulate("failed", "$max", ifThen(isFailed, 1, 0)),
		accumulate("failure", "$min", ifThen(isFailed, field(keyTimestamp), nil)),
		accumulate("odd", "$max", ifThen(isPlain, 0, 1)),
	}}},
	{{Key: "$group", Value: bson.D{
		{Key: keyID, Value: field("_id.b")},
		accumulate("notifications", "$sum", field("notifications")), accumulate("operations", "$sum", 1),
		accumulate("first", "$min", field("first")), accumulate("last", "$max", field("last")),
		accumulate("failures", "$sum", field("failed")), accumulate("failure", "$min", field("failure")),
		accumulate("odd", "$max", field("odd")),
	}}},
}

// A group is the server's answer about one trace.
type group struct {
	baseID   string
	isString bool // otherwise the base id is foreign, and nothing else is set
	row      row
	exact    bool // the row is complete; otherwise the trace has to be read
}

func decodeGroup(_ context.Context, document bson.Raw) (g group, err error) {
	if g.baseID, g.isString = document.Lookup(keyID).StringValueOK(); !g.isString {
		return g, nil
	}
	s := &g.row.Summary
	s.BaseID = g.baseID
	number := func(key string) int {
		n, _ := document.Lookup(key).AsInt64OK()
		return int(n)
	}
	text := func(path ...string) string {
		text, _ := document.Lookup(path...).StringValueOK()
		return text
	}
	s.Notifications, s.Operations, s.Failures = number("notifications"), number("operations"), number("failures")
	s.Timestamp, s.LastTimestamp, s.FirstFailure = text("first", "time"), text("last"), text("failure")
	s.Name, s.Service, s.Project = text("first", "name"), text("first", "service"), text("first", "project")
	s.Failed = s.Failures > 0
	g.row.first = cloneValue(document.Lookup("first", "id"))
	g.exact = number("odd") == 0 && isTime(s.Timestamp) && isTime(s.LastTimestamp) && (!s.Failed || isTime(s.FirstFailure))
	return g, nil
}

// isTime reports whether a timestamp in the usual form is a real time, because there is
// no 30th of February.
func isTime(timestamp string) bool {
	_, err := osprofiler.ParseTime(timestamp)
	return err == nil
}

// groupAll yields all ordinary traces as the server sums them up. done is false if
// the server cannot.
func (l *listing) groupAll(ctx context.Context) (done, goOn bool) {
	if l.features.noFirstInGroup.Load() {
		return false, true
	}
	for batch, err := range batches(ctx, l.database, l.allGroups()) {
		switch {
		case err != nil && !done && l.cannotGroup(err):
			return false, true
		case err != nil:
			return true, l.fail(err)
		case !l.addGroups(ctx, batch):
			return true, false
		}
		done = true
	}
	return true, true
}

// allGroups returns the query for the groups of all traces, in the order of their
// base ids.
func (l *listing) allGroups() query[group] {
	last := ""
	return query[group]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			stages := gomongo.Pipeline{}
			if last != "" {
				stages = append(stages, bson.D{{Key: "$match", Value: bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$gt", Value: last}}}}}})
			}
			stages = append(stages, groupStages...)
			if l.q.Failed {
				stages = append(stages, bson.D{{Key: "$match", Value: bson.D{{Key: "$or", Value: bson.A{
					bson.D{{Key: "failures", Value: bson.D{{Key: "$gt", Value: 0}}}}, bson.D{{Key: "odd", Value: 1}},
				}}}}})
			}
			stages = append(stages, bson.D{{Key: "$sort", Value: bson.D{{Key: keyID, Value: 1}}}})
			return c.events.Aggregate(ctx, stages, options.Aggregate().SetAllowDiskUse(true))
		},
		decode: func(ctx context.Context, document bson.Raw) (group, error) {
			g, err := decodeGroup(ctx, document)
			if g.isString {
				last = g.baseID
			}
			return g, err
		},
	}
}

// groupsOf returns the groups of some traces. ok is false if the server cannot.
func (l *listing) groupsOf(ctx context.Context, baseIDs []string) (groups []group, ok bool, err error) {
	if l.features.noFirstInGroup.Load() {
		return nil, false, nil
	}
	some := query[group]{
		open: func(ctx context.Context, c *collections) (*gomongo.Cursor, error) {
			match := bson.D{{Key: "$match", Value: bson.D{{Key: keyBaseID, Value: bson.D{{Key: "$in", Value: baseIDs}}}}}}
			groups = nil
			return c.events.Aggregate(ctx, append(gomongo.Pipeline{match}, groupStages...), options.Aggregate().SetAllowDiskUse(true))
		},
		decode: decodeGroup,
	}
	for batch, err := range batches(ctx, l.database, some) {
		if err != nil {
			if l.cannotGroup(err) {
				return nil, false, nil
			}
			return nil, false, err
		}
		groups = append(groups, batch...)
	}
	return groups, true, nil
}

// addGroups yields the traces of groups. Those that the server cannot sum up
// exactly are read. Those with foreign base ids are read later.
func (l *listing) addGroups(ctx context.Context, groups []group) bool {
	var rows []row
	var read []string
	for i := range groups {
		g := &groups[i]
		switch {
		case !g.isString || l.isApart(g.baseID):
		case g.exact:
			rows = append(rows, g.row)
		default:
			read = append(read, g.baseID)
		}
	}
	return l.emit(ctx, rows) && l.readTraces(ctx, read)
}

// cannotGroup reports whether an error says that the server cannot sum up traces,
// and remembers it. A server without memory for all traces can still sum up a few.
func (l *listing) cannotGroup(err error) bool {
	if hasCode(err, codeNoMemory, codeNoGroupMemory) {
		return true
	}
	if isNotImplemented(err) {
		l.features.noFirstInGroup.Store(true)
		return true
	}
	return false
}

// Codes of servers that have too little memory for a sort or a $group.
const (
	codeNoMemory      = 292
	codeNoGroupMemory = 16945
)

// notImplemented are the codes with which servers refuse a stage, an operator or
// a command that they lack. Errors about expressions have codes of their own, all
// from firstLocation on.
var notImplemented = []int{2, 9, 14, 59, 72, 115, 168, 238, 303}

const (
	firstLocation   = 15_000
	codeTooManyRate = 16_500 // Azure Cosmos DB: too many requests
)

// isNotImplemented reports whether a server lacks a requested stage, operator or command.
func isNotImplemented(err error) bool {
	code, _ := codeOf(err)
	if classes[code] == serverstate.Passes {
		return false
	}
	return slices.Contains(notImplemented, code) || code >= firstLocation && code != codeTooManyRate
}
