package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
	"github.com/osprofiler-otel/osprofiler/store"
)

// PythonAnswers implements driver.PythonAnswerer. Python's driver first lists
// the traces with legacy keys, by their first event, and then the lists, by their
// second-newest entry. It does not list a list of one entry. It lists failed
// traces by their records. A key of another type makes its listing fail.
func (d *database) PythonAnswers() store.PythonAnswers {
	return store.PythonAnswers{Driver: d.pythonDriver, Traces: d.pythonTraces, FailedTraces: d.pythonFailedTraces}
}

// defaultFields are the fields that Python's list_traces returns by default.
var defaultFields = []string{"base_id", "timestamp"}

func (d *database) pythonTraces(ctx context.Context, fields []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		if len(fields) == 0 {
			fields = defaultFields
		}
		if d.withLegacy {
			for object, err := range d.firstByTimestamp(ctx, legacyPrefix) {
				if !yield(withFields(object, fields), err) || err != nil {
					return
				}
			}
		}
		for step, err := range d.entriesAt(ctx, 1) {
			if err != nil {
				yield("", err)
				return
			}
			for i, text := range step.entries {
				if text == "" && !step.noList[i] { // the list has one entry
					continue
				}
				object, err := pythonObject(step.keys[i], text, step.noList[i])
				if !yield(withFields(object, fields), err) || err != nil {
					return
				}
			}
		}
	}
}

func (d *database) pythonFailedTraces(ctx context.Context) iter.Seq2[string, error] {
	return d.firstByTimestamp(ctx, errorPrefix)
}

// withFields returns a JSON object with the members of an object that are
// listed in fields. A repeated member has its last value at its first position,
// as in a Python dict.
func withFields(object string, fields []string) string {
	row := []byte{'{'}
	var added []string
	if object == "" {
		return ""
	}
	for name := range pyjson.Members(object) {
		if !slices.Contains(fields, name) || slices.Contains(added, name) {
			continue
		}
		if len(added) > 0 {
			row = append(row, ", "...)
		}
		value, _ := pyjson.Get(object, name)
		row = append(append(pyjson.AppendString(row, name), ": "...), value...)
		added = append(added, name)
	}
	return string(append(row, '}'))
}

// pythonObject returns the JSON object that is the value of a key. Python's
// driver accepts any object.
func pythonObject(key, text string, wrongType bool) (object string, err error) {
	if wrongType {
		err = errors.New("WRONGTYPE: it holds a value of another type")
	} else if object, err = pyjson.One(text); err == nil && pyjson.KindOf(object) != pyjson.Object {
		err = errors.New("it should be a JSON object")
	}
	if err != nil {
		return "", fmt.Errorf("cannot list as Python's driver does, because it cannot read the key %q: %w", key, err)
	}
	return object, nil
}

// firstByTimestamp yields the objects under the keys with a prefix, sorted by
// timestamp, the first of each base id. Timestamps are compared as text, and
// objects with equal timestamps are in the order of the scan. It keeps one
// object of each base id in memory.
func (d *database) firstByTimestamp(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		firsts, err := d.firstObjects(ctx, prefix)
		if err != nil {
			yield("", err)
			return
		}
		for i := range firsts {
			if !yield(firsts[i].object, nil) {
				return
			}
		}
	}
}

// A pythonRow is an object that Python's driver lists.
type pythonRow struct{ object, baseID, timestamp string }

func (d *database) firstObjects(ctx context.Context, prefix string) (rows []pythonRow, err error) {
	index := map[string]int{} // by base id
	for keys, err := range d.scan(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		for v, err := range d.strings(ctx, keys) {
			var row pythonRow
			if err == nil {
				row, err = pythonRowOf(v)
			}
			if err != nil {
				return nil, err
			}
			i, ok := index[row.baseID]
			switch {
			case !ok:
				index[row.baseID] = len(rows)
				rows = append(rows, row)
			case row.timestamp < rows[i].timestamp:
				rows[i] = row
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b pythonRow) int { return cmp.Compare(a.timestamp, b.timestamp) })
	return rows, nil
}

func pythonRowOf(v stringValue) (row pythonRow, err error) {
	if row.object, err = pythonObject(v.key, v.text, v.err != nil); err != nil {
		return row, err
	}
	for _, member := range []struct {
		name string
		text *string
	}{{"base_id", &row.baseID}, {"timestamp", &row.timestamp}} {
		value, ok := pyjson.Get(row.object, member.name)
		if !ok {
			return row, fmt.Errorf("cannot list as Python's driver does, because the key %q has no %s", v.key, member.name)
		}
		*member.text, _ = pyjson.Text(value)
	}
	return row, nil
}
