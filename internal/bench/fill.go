package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/store"
)

// atOnce is the number of traces that fill writes at once.
const atOnce = 2000

// idsOf returns the common beginning of all ids of the i-th trace that fill writes. timesOf
// returns the common beginning of all times of that trace.
func idsOf(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-", uint32(i)*2654435761) } // in no order

func timesOf(i int) string {
	return time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC).Add(time.Duration(i) * time.Millisecond).Format("2006-01-02T15:04:05.000")
}

func baseIDOf(i int) string { return idsOf(i) + "000000000001" }

// fill writes traces of two notifications each into an empty store, one trace for
// each millisecond. Our store writes the first trace. The client library writes the
// other traces in the same form, thousands at once.
func fill(ctx context.Context, url string, client bare, traces int) error {
	first, err := firstTrace(ctx, url, client)
	if err != nil {
		return err
	}
	err = client.writeBulk(ctx, func() error {
		for from := 1; from < traces; from += atOnce {
			var records []record
			for i := from; i < min(from+atOnce, traces); i++ {
				some, err := like(client, first, i)
				if err != nil {
					return err
				}
				records = append(records, some...)
			}
			if err := client.write(ctx, records); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, visible(ctx, client))
}

// halvesTook is the duration of the operations of halves.
const halvesTook = 500 * time.Microsecond

// halves returns the two notifications of the i-th trace.
func halves(i int) []osprofiler.Notification {
	half := func(name, micros, info string) osprofiler.Notification {
		return osprofiler.Notification{
			Name: name, BaseID: baseIDOf(i), ParentID: baseIDOf(i), TraceID: idsOf(i) + "000000000002",
			Timestamp: timesOf(i) + micros, Info: osprofiler.Info(info), Project: "nova", Service: "osapi_compute",
		}
	}
	return []osprofiler.Notification{
		half("wsgi-start", "010", `{"request": {"path": "/v2.1/servers/detail", "query": "limit=10", "method": "GET", "scheme": "http"}, "host": "compute-1"}`),
		half("wsgi-stop", "510", `{"host": "compute-1"}`),
	}
}

// firstTrace writes the first trace with our store, and returns the stored records.
func firstTrace(ctx context.Context, url string, client bare) ([]record, error) {
	s, err := store.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, halves(0))
	if err := errors.Join(err, s.Close()); err != nil {
		return nil, err
	}
	if err := visible(ctx, client); err != nil {
		return nil, err
	}
	got, err := client.fetch(ctx, baseIDOf(0))
	if err != nil {
		return nil, err
	}
	return got.records(), nil
}

// like returns the records of the i-th trace, made from those of the first trace.
func like(client bare, first []record, i int) (all []record, err error) {
	all = make([]record, len(first))
	k, isKeyed := client.(keyed)
	for n, values := range first {
		all[n] = make(record, len(values))
		for m, value := range values {
			if text, ok := value.(string); ok {
				value = strings.ReplaceAll(strings.ReplaceAll(text, idsOf(0), idsOf(i)), timesOf(0), timesOf(i))
			}
			all[n][m] = value
		}
		if isKeyed {
			if all[n], err = k.withKey(all[n]); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// isList returns an error unless the list has exactly the newest of the given number of
// traces, or all of them if limit is 0.
func isList(list iter.Seq2[store.Summary, error], traces, limit int) error {
	count := 0
	for trace, err := range list {
		if err != nil {
			return err
		}
		if want := baseIDOf(traces - 1 - count); limit > 0 && trace.BaseID != want {
			return fmt.Errorf("trace %d of the list is %s instead of %s", count, trace.BaseID, want)
		}
		count++
	}
	return came(count, listedOf(traces, limit))
}

// listedOf returns the number of traces in a listing. A limit of 0 means no limit.
func listedOf(traces, limit int) int {
	if limit == 0 {
		return traces
	}
	return min(limit, traces)
}

// came returns an error if the number of results is wrong.
func came(found, want int) error {
	if found != want {
		return fmt.Errorf("%d came instead of %d", found, want)
	}
	return nil
}
