package relay_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/relay"
)

// failing makes every Write of the target fail with err. With nil, Write works again.
func (t *listTarget) failing(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fail = err
}

// halfAndRest returns a trace in two parts, whose last notification selects it. It also
// returns the notifications of another trace that is selected at once.
func halfAndRest() (begin, rest, other []osprofiler.Notification) {
	all, other := operations(1, 2), operations(2, 1)
	all[3].Info = `{"host": "h1", "etype": "ValueError", "message": "no"}`
	other[0].Info = all[3].Info
	return all[:3], all[3:], other
}

func TestTheFilterWaitsWhileASourceIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, _, _ := halfAndRest()
		from, to := newListSource(begin...), &listTarget{}
		f, end := runBegins(t, []relay.Source{from}, []relay.Target{to},
			relay.WithFilter(relay.Filter{FailedOnly: true, Settle: 10 * time.Second}))
		wait(3 * time.Second)
		from.failing(errors.New("the broker is away"))
		from.add() // this wakes the Read
		wait(2 * time.Minute)
		if f.Stats().Held != 3 {
			t.Errorf("during the outage: %+v", f.Stats())
		}
		from.failing(nil)
		from.add()
		wait(time.Minute) // the longest pause, and twice the time Settle
		if f.Stats().Held != 0 || f.Stats().Filtered != 3 {
			t.Errorf("a trace is not decided after the outage: %+v", f.Stats())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheRestThatComesAfterAnOutageIsOfTheTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, rest, _ := halfAndRest()
		from, to := newListSource(begin...), &listTarget{}
		_, end := runBegins(t, []relay.Source{from}, []relay.Target{to},
			relay.WithFilter(relay.Filter{FailedOnly: true, Settle: 10 * time.Second}))
		wait(9 * time.Second)
		from.failing(errors.New("the broker is away"))
		from.add()
		wait(2 * time.Minute)
		from.failing(nil)
		from.add(rest...)
		wait(time.Minute)
		if to.count() != 4 {
			t.Errorf("the target has %d of 4", to.count())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheFilterWaitsWhileATargetIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, rest, other := halfAndRest()
		from, to := newListSource(begin...), &listTarget{}
		f, end := runBegins(t, []relay.Source{from}, []relay.Target{to},
			relay.WithFilter(relay.Filter{FailedOnly: true, Settle: 10 * time.Second}))
		wait(7 * time.Second)
		to.failing(errors.New("the disk is full"))
		from.add(other...)
		wait(time.Second)
		from.add(rest...)
		wait(2 * time.Minute)
		if f.Stats().Held != 3 || to.count() != 0 {
			t.Errorf("during the outage the target has %d: %+v", to.count(), f.Stats())
		}
		to.failing(nil)
		wait(time.Minute)
		if to.count() != 6 || f.Stats().Held != 0 {
			t.Errorf("after the outage the target has %d of 6: %+v", to.count(), f.Stats())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// A namedSource gives a listSource a name of its own, because the sources of a relay need
// different names.
type namedSource struct {
	*listSource

	name string
}

func (n namedSource) Name() string { return n.name }

// twoSources runs a relay with a filter that settles after ten seconds. One source has the
// begin of a trace.
func twoSources(t *testing.T, to *listTarget) (good, bad *listSource, f *relay.Follower, end func() error) {
	t.Helper()
	begin, _, _ := halfAndRest()
	good, bad = newListSource(begin...), newListSource()
	f, end = runBegins(t, []relay.Source{namedSource{good, "good"}, namedSource{bad, "bad"}}, []relay.Target{to},
		relay.WithFilter(relay.Filter{FailedOnly: true, Settle: 10 * time.Second}))
	bad.add() // an empty Read, after which a failure does not end the relay
	wait(time.Second)
	return good, bad, f, end
}

func TestASourceThatIsDownHoldsUpTheOthersForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad, f, end := twoSources(t, &listTarget{})
		wait(2 * time.Second)
		bad.failing(errors.New("the broker is away"))
		bad.add()
		wait(90 * time.Second)
		if f.Stats().Held != 3 {
			t.Errorf("the rest may come from the other source soon, but: %+v", f.Stats())
		}
		wait(30 * time.Second)
		if f.Stats().Held != 0 || f.Stats().Filtered != 3 || good.acknowledged() != 3 {
			t.Errorf("after ten times Settle, %d are acknowledged: %+v", good.acknowledged(), f.Stats())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

func TestASourceThatFailsNowAndThenHoldsUpTheOthersForABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, bad, f, end := twoSources(t, &listTarget{})
		began := time.Now()
		for f.Stats().Held > 0 || time.Since(began) < time.Minute {
			bad.failing(errors.New("the broker is away"))
			bad.add()
			wait(4 * time.Second)
			bad.failing(nil)
			bad.add()
			wait(8 * time.Second)
			if time.Since(began) > 5*time.Minute {
				t.Fatalf("the trace is still held: %+v", f.Stats())
			}
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}

// While a target is down, all sources wait for it, even a source that has nothing for it.
func TestATargetThatIsDownHoldsUpTheFilterWithoutABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin, rest, other := halfAndRest()
		to := &listTarget{}
		good, _, f, end := twoSources(t, to)
		wait(6 * time.Second)
		to.failing(errors.New("the disk is full"))
		good.add(other...)
		wait(time.Second)
		good.add(rest...)
		wait(time.Hour)
		if f.Stats().Held != int64(len(begin)) {
			t.Errorf("during the outage: %+v", f.Stats())
		}
		to.failing(nil)
		wait(time.Minute)
		if to.count() != 6 {
			t.Errorf("after the outage the target has %d of 6", to.count())
		}
		if err := end(); err != nil {
			t.Error(err)
		}
	})
}
