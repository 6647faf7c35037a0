package elasticsearch

import "github.com/osprofiler-otel/osprofiler/internal/serverstate"

// states are the errors of Elasticsearch and OpenSearch. A code is an error's
// type, a status and a type, or a status for all other types.
var states = serverstate.Table{
	Source: "Elasticsearch, org.elasticsearch.ElasticsearchException and RestStatus; OpenSearch, org.opensearch.OpenSearchException",
	States: []serverstate.State{
		{Code: "400", Name: "a request or a document that the server does not understand", Class: serverstate.Row},
		{Code: "401", Name: "no or wrong credentials", Class: serverstate.Stays},
		{Code: "403", Name: "a missing right", Class: serverstate.Stays},
		{Code: "404", Name: "no such index, scroll or point in time", Class: serverstate.Stays},
		{Code: "413", Name: "a request over http.max_content_length", Class: serverstate.Row},
		{Code: "429", Name: "too many requests", Class: serverstate.Passes},
		{Code: "502", Name: "a proxy without a server", Class: serverstate.Passes},
		{Code: "503", Name: "a cluster that is not ready", Class: serverstate.Passes},
		{Code: "504", Name: "a proxy that got no answer in time", Class: serverstate.Unknown},
	},
}
