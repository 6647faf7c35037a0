package kafka

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A broker that requires a user closes the connection at the first request. The library
// reports that only to one of the requests. The others get a bare EOF.
func TestFirstRequest(t *testing.T) {
	const metadata = 3
	broker := kgo.BrokerMetadata{NodeID: 1}
	b := open(t, "kafka://127.0.0.1:1")
	missing := "ended the connection at the first request: it is restarting, or it expects a user"
	for _, f := range []struct {
		name      string
		key       int16
		answered  bool
		mechanism string
		err       error
		text      string
	}{
		{"the first request", metadata, false, "", io.EOF, missing},
		{"within the answer", metadata, false, "", io.ErrUnexpectedEOF, missing},
		{"with a user", metadata, false, "PLAIN", io.EOF, "was lost"},
		{"a later request", metadata, true, "", io.EOF, "was lost"},
		{"the versions", apiVersions, false, "", io.EOF, "was lost"},
	} {
		t.Run(f.name, func(t *testing.T) {
			var w watch
			b.mechanism = f.mechanism
			if f.answered {
				w.OnBrokerRead(broker, metadata, 0, 0, 0, nil)
			}
			w.OnBrokerRead(broker, f.key, 0, 0, 0, f.err)
			for _, err := range []error{io.EOF, errors.New("vague"), kgo.ErrRecordTimeout} {
				got := b.explain(t.Context(), &w, err).Error()
				if strings.Contains(got, missing) && f.text != missing || err == io.EOF && !strings.Contains(got, f.text) {
					t.Errorf("%v: got %s\nwant %s", err, got, f.text)
				}
			}
		})
	}
	var w watch
	w.OnBrokerRead(broker, metadata, 0, 0, 0, io.EOF)
	if w.mismatch(time.Minute) == nil || w.mismatch(0) != nil {
		t.Error("an old reason counts, or a new one does not")
	}
}
