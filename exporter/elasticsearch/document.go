package elasticsearch

import (
	"github.com/osprofiler-otel/osprofiler"
)

// decodeDocument makes the notification of the _source of a document, whoever
// wrote the document. It restores a notification that was stored in the short
// form.
func decodeDocument(source []byte) (osprofiler.Notification, error) {
	return osprofiler.ParseNotification(string(source))
}

// idTerm returns the text by which an id is found in a field that holds it
// exactly.
func idTerm(id string) string { return id }
