package testenv

import (
	"slices"
	"testing"
	"time"
)

// A server whose disk is nearly full raises the alarm, and accepts messages again when
// the disk has space.
func TestRabbitMQDiskIsNearlyFull(t *testing.T) {
	t.Parallel()
	d := NewDisk(t, "32m")
	s := StartRabbitMQOn(t, d)
	v := RabbitMQAPI(t, s.RabbitMQ())
	v.Declare("q", true, nil)
	p := newPublisher(t, s.RabbitMQ())
	d.Fill()
	awaitAlarms(t, v, "disk space")
	if err := p.publish("q", "x", 300*time.Millisecond); err == nil {
		t.Error("a server with a full disk confirms")
	}
	d.Free()
	awaitAlarms(t, v)
	if err := p.await(patience); err != nil || !s.Alive() {
		t.Error(err, s.Log())
	}
}

func awaitAlarms(t *testing.T, v *RabbitMQView, names ...string) {
	t.Helper()
	for began := time.Now(); !slices.Equal(v.Alarms(), names); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("the alarms are %q; want %q", v.Alarms(), names)
		}
	}
}
