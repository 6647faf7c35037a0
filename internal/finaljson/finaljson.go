// Package finaljson lets package convert hand a notification's JSON to package
// osprofiler. The package is internal, so that only code of this module can claim that
// a text is a notification's valid JSON. JSON from other code is always checked.
package finaljson

// Set makes text the JSON of the *osprofiler.Notification. The text must be valid, and
// must equal the output of Python's json.dumps for the notification's fields. The
// fields should be parts of the text, because they are then compared by their addresses.
//
// Package osprofiler sets the variable. The type of the parameter is any, because this
// package cannot import osprofiler.
var Set func(notification any, text string)
