package otlppb

// ParseFast is parseFast.
var ParseFast = parseFast
