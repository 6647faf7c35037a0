package elasticsearch_test

import (
	"strings"
	"testing"

	"github.com/osprofiler-otel/osprofiler/internal/testenv"
)

// A user without the right to read gets an error, not an empty feed.
func TestFeedWithoutRightToRead(t *testing.T) {
	at := testenv.OpenSearch(t)
	s := open(t, at+"&osp_refresh=true")
	write(t, s, trace(2))
	none := testenv.AsUser(at, testenv.NoRole, testenv.Password)
	f := feedOf(t, open(t, none), "")
	for n, err := range f.Poll(t.Context()) {
		if err == nil || !strings.Contains(err.Error(), "does not give the user of the connection string the rights") {
			t.Errorf("%s: %v", n.JSON(), err)
		}
		return
	}
	t.Error("the feed is empty, and tells of no error")
}
