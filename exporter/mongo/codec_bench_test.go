package mongo

import (
	"testing"

	"github.com/osprofiler-otel/osprofiler"
)

func BenchmarkDocument(b *testing.B) {
	n := osprofiler.Notification{
		Name: "db-start", BaseID: osprofiler.NewID(), TraceID: osprofiler.NewID(), ParentID: osprofiler.NewID(), Timestamp: "2024-05-06T07:08:09.000010",
		Info:    `{"db": {"statement": "SELECT instances.id FROM instances WHERE instances.deleted = %s", "params": [0]}, "host": "compute-1"}`,
		Project: "nova", Service: "api",
	}
	n, _ = osprofiler.ParseNotification(n.JSON())
	id := idOf(&n)
	document := encode(&n, id)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encode(&n, idOf(&n))
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeDocument(document); err != nil {
				b.Fatal(err)
			}
		}
	})
}
