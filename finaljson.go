package osprofiler

import "github.com/osprofiler-otel/osprofiler/internal/finaljson"

func init() {
	finaljson.Set = func(notification any, text string) { notification.(*Notification).raw = text }
}
