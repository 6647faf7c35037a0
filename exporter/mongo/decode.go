package mongo

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/osprofiler-otel/osprofiler"
	"github.com/osprofiler-otel/osprofiler/internal/pyjson"
)

// A parsedDocument is a document of the events collection.
type parsedDocument struct {
	notification osprofiler.Notification
	id           bson.RawValue
	chunks       int // of the original; the notification is only a part of it then
}

// decodeDocument returns the notification of a document that has no chunks.
func decodeDocument(document bson.Raw) (osprofiler.Notification, error) {
	p, err := parseDocument(document)
	if err == nil && p.chunks > 0 {
		err = errors.New("the notification is in chunks")
	}
	return p.notification, err
}

// parseDocument reads a document that we or Python's driver wrote.
func parseDocument(document bson.Raw) (p parsedDocument, err error) {
	rest, err := elements(document)
	if err != nil {
		return p, err
	}
	var e element
	d := documentReader{plain: true}
	defer func() {
		if err != nil && p.notification.BaseID == "" { // so that the error names the trace
			p.notification.BaseID = d.n.BaseID
		}
	}()
	for len(rest) > 0 {
		if e, rest, err = nextElement(rest); err != nil {
			return p, err
		}
		switch {
		case e.key == keyID:
			p.id = e.raw()
		case e.key == keyOriginal && e.kind == bson.TypeString:
			p.notification, err = osprofiler.ParseNotification(e.text())
			if err != nil {
				return p, fmt.Errorf("its member %s: %w", keyOriginal, err)
			}
			d.hasOriginal = true
		case e.key == keyChunks && e.kind == bson.TypeInt32:
			p.chunks = int(e.raw().Int32())
		case d.hasOriginal:
		default:
			if err := d.add(&e); err != nil {
				return p, err
			}
		}
	}
	if !d.hasOriginal {
		p.notification, err = d.notification(document)
	}
	return p, err
}

// A documentReader collects the fields of a notification.
type documentReader struct {
	n           osprofiler.Notification
	seen        int  // how many fields
	plain       bool // the fields represent the whole document
	hasOriginal bool
}

func (d *documentReader) field(key string) *string {
	switch key {
	case keyName:
		return &d.n.Name
	case keyBaseID:
		return &d.n.BaseID
	case keyTraceID:
		return &d.n.TraceID
	case keyParentID:
		return &d.n.ParentID
	case keyTimestamp:
		return &d.n.Timestamp
	case keyProject:
		return &d.n.Project
	case keyService:
		return &d.n.Service
	}
	return nil
}

func (d *documentReader) add(e *element) error {
	if e.key == keyInfo && e.kind == bson.TypeEmbeddedDocument {
		text, err := appendValue(make([]byte, 0, 2*len(e.value)), e, 1)
		d.n.Info = osprofiler.Info(text)
		d.seen++
		return err
	}
	field := d.field(e.key)
	nullable := e.key == keyParentID || e.key == keyProject || e.key == keyService
	switch {
	case isWritten(e):
		return nil
	case field == nil:
		d.plain = false
		return nil
	case e.kind == bson.TypeString:
		*field = e.text()
		d.plain = d.plain && utf8.ValidString(*field) && (*field != "" || !nullable)
	case e.kind != bson.TypeNull || !nullable:
		d.plain = false
	}
	d.seen++
	return nil
}

// isWritten reports whether an element is the time of writing.
func isWritten(e *element) bool { return e.key == keyWritten && e.kind == bson.TypeDateTime }

// allFields is how many fields a notification has.
const allFields = 8

// notification returns the notification of a document without its original.
func (d *documentReader) notification(document bson.Raw) (osprofiler.Notification, error) {
	if d.plain && d.seen == allFields {
		return d.n, nil
	}
	rest, err := elements(document)
	if err != nil {
		return d.n, err
	}
	text := []byte{'{'}
	var e element
	for len(rest) > 0 {
		if e, rest, err = nextElement(rest); err != nil {
			return d.n, err
		}
		if e.key == keyID || e.key == keyChunks || isWritten(&e) {
			continue
		}
		if len(text) > 1 {
			text = append(text, ", "...)
		}
		text = append(pyjson.AppendString(text, e.key), ": "...)
		if text, err = appendValue(text, &e, 1); err != nil {
			return d.n, err
		}
	}
	return osprofiler.ParseNotification(string(append(text, '}')))
}
