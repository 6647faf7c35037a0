package testenv

import (
	"testing"
	"time"
)

// A server whose disk is full ends, and has its messages after a restart.
func TestKafkaDiskIsFull(t *testing.T) {
	t.Parallel()
	d := NewDisk(t, "64m")
	s := StartKafkaWith(t, KafkaOptions{Disk: d})
	v := KafkaAPI(t, s.Kafka())
	v.Publish("some", nil, []byte("kept"))
	d.Fill()
	for began := time.Now(); s.Alive(); {
		_ = produce(t, s.Addr(), time.Second)
		if time.Since(began) > patience {
			t.Fatal("the server runs on:", s.Log())
		}
	}
	d.Free()
	s.Restart()
	if err := produce(t, s.Addr(), patience); err != nil {
		t.Error(err)
	}
	if got := v.Records("some"); len(got) < 2 || string(got[0].Value) != "kept" {
		t.Errorf("%+v", got)
	}
}
