package loginsight

import "github.com/osprofiler-otel/osprofiler/internal/serverstate"

// states are the answers of Log Insight, by status. The reference of its API lists
// 400, 401, 440, 500 and 503. The others are statuses of HTTP and of proxies.
var states = serverstate.Table{
	Source: "the reference of Log Insight's REST API, version v1; RFC 9110",
	States: []serverstate.State{
		{Code: "3xx", Name: "a server that has moved, or a proxy; no redirect is followed", Class: serverstate.Stays},
		{Code: "400", Name: "events that the server does not take, or a query that it does not understand", Class: serverstate.Row},
		{Code: "401", Name: "a wrong user or password, or a session that the server does not know", Class: serverstate.Stays},
		{Code: "403", Name: "a missing right", Class: serverstate.Stays},
		{Code: "404", Name: "another kind of server", Class: serverstate.Stays},
		{Code: "405", Name: "another kind of server", Class: serverstate.Stays},
		{Code: "408", Name: "a proxy that got no request in time", Class: serverstate.Unknown},
		{Code: "413", Name: "a request over the limit of the server or of a proxy", Class: serverstate.Row},
		{Code: "415", Name: "another kind of server", Class: serverstate.Stays},
		{Code: "422", Name: "events that the server does not take", Class: serverstate.Row},
		{Code: "429", Name: "too many requests", Class: serverstate.Passes},
		{Code: "440", Name: "a session that has expired; it is renewed once", Class: serverstate.Unknown},
		{Code: "500", Name: "a failure inside the server", Class: serverstate.Unknown},
		{Code: "502", Name: "a proxy without a server", Class: serverstate.Passes},
		{Code: "503", Name: "a server that is overloaded, or not set up yet", Class: serverstate.Passes},
		{Code: "504", Name: "a proxy that got no answer in time", Class: serverstate.Unknown},
		{Code: "5xx", Name: "another failure inside the server", Class: serverstate.Unknown},
	},
}
