package elasticsearch

import "github.com/osprofiler-otel/osprofiler"

// Client returns the client, so that tests can send requests past the driver.
func (c *cluster) Client() Client { return c.client }

var (
	DecodeDocument = decodeDocument
	DocumentID     = documentID
	ParseLayout    = parseLayout
	IDTerms        = idTerms

	// NeedsShortForm reports whether a notification is stored in the short form at once.
	NeedsShortForm = func(n *osprofiler.Notification) bool { return needsShortForm(n, n.AppendJSON(nil)) }
)

func (l layout) BaseID() string { return l.baseID }
func (l layout) Etype() string  { return l.etype }

// EventsMapping is the mapping of an index of notifications.
const EventsMapping = eventsMapping

// SetLargeTrace sets how many documents a trace has that the server sums up.
func SetLargeTrace(documents int64) (restore func()) {
	before := largeTrace
	largeTrace = documents
	return func() { largeTrace = before }
}
