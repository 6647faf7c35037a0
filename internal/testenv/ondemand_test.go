package testenv

import (
	"errors"
	"strings"
	"testing"
)

// onDemand starts an OnDemand for this process.
func onDemand(t *testing.T) {
	t.Helper()
	d, err := NewOnDemand()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	name, address, _ := strings.Cut(d.Environment(), "=")
	t.Setenv(name, address)
}

func TestOnDemand(t *testing.T) {
	all, starts := Resources, 0
	t.Cleanup(func() { Resources = all })
	find := func() (string, string, error) { starts++; return "there", "2", nil }
	Resources = []*Resource{
		resource(Resource{Name: "some", Variable: "OSP_TEST_SOME", find: find}),
		resource(Resource{Name: "none", Variable: "OSP_TEST_NONE", find: func() (string, string, error) { return "", "", errors.New("no program") }}),
	}
	t.Setenv(OnDemandVariable, "")
	for _, r := range Resources {
		r.once() // finds in this process
	}
	onDemand(t)
	wrong := func() (string, string, error) { t.Error("found in this process"); return "", "", nil }
	for range 3 {
		r := resource(Resource{Name: "some", Variable: "OSP_TEST_SOME", find: wrong})
		if at, err := r.Find(); at != "there" || err != nil || starts != 1 {
			t.Errorf("%q, %v after %d starts", at, err, starts)
		}
		if state := r.State(); state != "found:   some 2, there" {
			t.Error(state)
		}
	}
	for variable, want := range map[string]string{"OSP_TEST_NONE": "no program", "OSP_TEST_UNKNOWN": "no resource has this variable"} {
		_, err := resource(Resource{Name: "none", Variable: variable, find: wrong}).Find()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", variable, err)
		}
	}
}

// Test binaries do not ask the OnDemand for the user's own servers, nor for tools without a
// variable.
func TestNotOnDemand(t *testing.T) {
	onDemand(t)
	t.Setenv("OSP_TEST_OWN", "mine")
	for _, variable := range []string{"OSP_TEST_OWN", ""} {
		own := func() (string, string, error) { return "here", "1", nil }
		if at, err := resource(Resource{Variable: variable, find: own}).Find(); at != "here" || err != nil {
			t.Errorf("%q: %q, %v", variable, at, err)
		}
	}
}

func TestNoAnswerOnDemand(t *testing.T) {
	t.Setenv(OnDemandVariable, "127.0.0.1:1")
	_, err := resource(Resource{Name: "some", Variable: "OSP_TEST_SOME"}).Find()
	if err == nil || !strings.Contains(err.Error(), "no answer from the command servers (OSP_TEST_ON_DEMAND=127.0.0.1:1)") {
		t.Error(err)
	}
}
