package monitor

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/osprofiler-otel/osprofiler/relay"
)

// An adder adds an instrument and the function that observes its values.
type adder func(i metric.Observable, err error, observe func(metric.Observer, relay.Stats))

// A series is one value of an instrument, with an attribute that distinguishes it from the
// others.
type series[T any] struct {
	outcome string // "" for an instrument with one value
	value   func(T) int64
}

func attributes(peer attribute.KeyValue, outcome string) metric.MeasurementOption {
	if outcome == "" {
		return metric.WithAttributeSet(attribute.NewSet(peer))
	}
	return metric.WithAttributeSet(attribute.NewSet(peer, outcomeKey.String(outcome)))
}

func eachSource(stats relay.Stats, f func(peer attribute.KeyValue, s relay.SourceStats)) {
	names := map[string]int{}
	for _, s := range stats.Sources {
		f(sourceKey.String(unlike(s.Name, names)), s)
	}
}

func eachTarget(stats relay.Stats, f func(peer attribute.KeyValue, t relay.TargetStats)) {
	names := map[string]int{}
	for _, t := range stats.Targets {
		f(targetKey.String(unlike(t.Name, names)), t)
	}
}

func registerSources(meter metric.Meter, add adder) {
	counter := func(name, unit, description string, all ...series[relay.SourceStats]) {
		i, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		add(i, err, func(o metric.Observer, stats relay.Stats) {
			eachSource(stats, func(peer attribute.KeyValue, s relay.SourceStats) {
				for _, one := range all {
					o.ObserveInt64(i, one.value(s), attributes(peer, one.outcome))
				}
			})
		})
	}
	type s = relay.SourceStats
	counter("osprofiler.relay.source.notifications", "{notification}", "Notifications that were read from a source",
		series[s]{"", func(s s) int64 { return s.Read }})
	counter("osprofiler.relay.source.entries", "{entry}", "Entries of a source that were not forwarded",
		series[s]{"unreadable", func(s s) int64 { return s.Skipped }},
		series[s]{"foreign", func(s s) int64 { return s.Foreign }},
		series[s]{"refused", func(s s) int64 { return s.Refused }},
		series[s]{"dead_letter", func(s s) int64 { return s.DeadLetters }})
	counter("osprofiler.relay.source.retries", "{failure}", "Failures to read a source or to acknowledge, each followed by another try",
		series[s]{"", func(s s) int64 { return s.Retried }})
	registerSourceGauges(meter, add)
}

func registerSourceGauges(meter metric.Meter, add adder) {
	gauge := func(name, unit, description string, value func(relay.SourceStats) (float64, bool)) {
		i, err := meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		add(i, err, func(o metric.Observer, stats relay.Stats) {
			eachSource(stats, func(peer attribute.KeyValue, s relay.SourceStats) {
				if v, ok := value(s); ok {
					o.ObserveFloat64(i, v, attributes(peer, ""))
				}
			})
		})
	}
	gauge("osprofiler.relay.source.lag", "s", "How long ago the oldest notification was read that is not acknowledged",
		func(s relay.SourceStats) (float64, bool) { return s.Lag.Seconds(), true })
	gauge("osprofiler.relay.source.unacknowledged", "{notification}", "Notifications that were read and are not acknowledged",
		func(s relay.SourceStats) (float64, bool) { return float64(s.Unacknowledged), true })
	gauge("osprofiler.relay.source.newest", "s", "The time of the newest notification that was acknowledged, since 1970",
		func(s relay.SourceStats) (float64, bool) {
			return float64(s.Newest.UnixMicro()) / 1e6, !s.Newest.IsZero()
		})
	gauge("osprofiler.relay.source.up", "", "Whether the source works: 1 or 0",
		func(s relay.SourceStats) (float64, bool) { return up(s.Err), true })
}

// up returns 1 if there is no error, or else 0.
func up(err error) float64 {
	if err != nil {
		return 0
	}
	return 1
}

func registerTargets(meter metric.Meter, add adder) {
	counter := func(name, unit, description string, sinks bool, all ...series[relay.TargetStats]) {
		i, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		add(i, err, func(o metric.Observer, stats relay.Stats) {
			eachTarget(stats, func(peer attribute.KeyValue, t relay.TargetStats) {
				for _, one := range all {
					if t.Sink || !sinks {
						o.ObserveInt64(i, one.value(t), attributes(peer, one.outcome))
					}
				}
			})
		})
	}
	type t = relay.TargetStats
	counter("osprofiler.relay.target.notifications", "{notification}", "Notifications by what became of them in a target", false,
		series[t]{"forwarded", func(t t) int64 { return t.Forwarded }},
		series[t]{"present", func(t t) int64 { return t.Present }},
		series[t]{"refused", func(t t) int64 { return t.Refused }})
	counter("osprofiler.relay.target.halves", "{notification}", "Notifications that a target of spans did not need", true,
		series[t]{"duplicate", func(t t) int64 { return t.Duplicates }},
		series[t]{"elsewhere", func(t t) int64 { return t.Elsewhere }})
	counter("osprofiler.relay.target.retries", "{failure}", "Failures of a target, each followed by another try", false,
		series[t]{"", func(t t) int64 { return t.Retried }})
	counter("osprofiler.relay.target.spans", "{span}", "Spans that were exported to a target", true,
		series[t]{"paired", func(t t) int64 { return t.Paired }},
		series[t]{"incomplete", func(t t) int64 { return t.Incomplete }},
		series[t]{"repaired", func(t t) int64 { return t.Repaired }})
	registerTargetGauges(meter, add)
}

func registerTargetGauges(meter metric.Meter, add adder) {
	waiting, err := meter.Int64ObservableGauge("osprofiler.relay.target.waiting", metric.WithUnit("{notification}"),
		metric.WithDescription("Starts and stops that wait for their other half"))
	add(waiting, err, func(o metric.Observer, stats relay.Stats) {
		eachTarget(stats, func(peer attribute.KeyValue, t relay.TargetStats) {
			if t.Sink {
				o.ObserveInt64(waiting, t.Waiting, attributes(peer, ""))
			}
		})
	})
	works, err := meter.Float64ObservableGauge("osprofiler.relay.target.up",
		metric.WithDescription("Whether the target works: 1 or 0"))
	add(works, err, func(o metric.Observer, stats relay.Stats) {
		eachTarget(stats, func(peer attribute.KeyValue, t relay.TargetStats) {
			o.ObserveFloat64(works, up(t.Err), attributes(peer, ""))
		})
	})
}

func registerFilter(meter metric.Meter, add adder) {
	filtered, err := meter.Int64ObservableCounter("osprofiler.relay.filtered", metric.WithUnit("{notification}"),
		metric.WithDescription("Notifications of traces that the filter did not select"))
	add(filtered, err, func(o metric.Observer, stats relay.Stats) { o.ObserveInt64(filtered, stats.Filtered) })
	held, err := meter.Int64ObservableGauge("osprofiler.relay.held", metric.WithUnit("{notification}"),
		metric.WithDescription("Notifications of traces about which the filter has not decided"))
	add(held, err, func(o metric.Observer, stats relay.Stats) { o.ObserveInt64(held, stats.Held) })
	works, err := meter.Float64ObservableGauge("osprofiler.relay.filter.up",
		metric.WithDescription("Whether the filter can write its journal: 1 or 0"))
	add(works, err, func(o metric.Observer, stats relay.Stats) { o.ObserveFloat64(works, up(stats.FilterErr)) })
}
