package elasticsearch_test

import (
	"github.com/osprofiler-otel/osprofiler"
)

func note(name, info string) osprofiler.Notification {
	id := osprofiler.NewID()
	return osprofiler.Notification{
		Name: name, BaseID: id, TraceID: osprofiler.NewID(), ParentID: id,
		Timestamp: "2024-05-06T07:08:09.000010", Info: osprofiler.Info(info), Project: "nova", Service: "api",
	}
}
