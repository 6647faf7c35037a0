// Package finaljson lets package convert hand a notification's JSON to package
// osprofiler. It is internal, so only code of this module can say that a text is
// a notification's valid JSON: whatever comes from outside is checked.
package finaljson

// Set makes text the JSON of the *osprofiler.Notification. The text must be what
// Python's json.dumps writes for the notification's fields, and valid. The
// fields should be parts of the text: they are then compared by their addresses.
//
// Package osprofiler sets the variable. The parameter has no type of its own
// because this package cannot import osprofiler.
var Set func(notification any, text string)
