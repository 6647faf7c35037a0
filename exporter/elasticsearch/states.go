package elasticsearch

import "github.com/osprofiler-otel/osprofiler/internal/serverstate"

// states are the errors of Elasticsearch and OpenSearch. A code is the beginning of
// "type: reason", or of "status type: reason", or a status, which stands for all
// types that are not listed. Only a listed type refuses a document for its content.
var states = serverstate.Table{
	Source: "Elasticsearch, ElasticsearchException and RestStatus; OpenSearch, OpenSearchException and RestStatus",
	States: []serverstate.State{
		// Documents.
		{Code: "mapper_parsing_exception", Name: "a document that the mapping refuses (Elasticsearch 7, OpenSearch)", Class: serverstate.Row, Ran: "TestHostile"},
		{Code: "document_parsing_exception", Name: "a document that the mapping refuses (Elasticsearch 8, 9)", Class: serverstate.Row, Ran: "TestHostile"},
		{Code: "illegal_argument_exception", Name: "a field that cannot be added: another kind, too many fields, too deep, a name without text, a term that is too long", Class: serverstate.Row, Ran: "TestShapes"},
		{Code: "strict_dynamic_mapping_exception", Name: "a field that a strict mapping does not have", Class: serverstate.Row, Ran: "TestStatesOfIndices"},
		{Code: "x_content_parse_exception", Name: "a document beyond the parser's limits", Class: serverstate.Row},
		{Code: "parsing_exception", Name: "a document that is no JSON", Class: serverstate.Row},
		{Code: "version_conflict_engine_exception", Name: "a document with this id is there; it counts as stored", Class: serverstate.Row, Ran: "TestWriteTwice"},

		// Indices.
		{Code: "illegal_argument_exception: Rejecting mapping update to", Name: "an index of another mapping type (Elasticsearch 7)", Class: serverstate.Stays},
		{Code: "illegal_argument_exception: no write index", Name: "an alias of several indices without a write index", Class: serverstate.Stays, Ran: "TestStatesOfIndices"},
		{Code: "illegal_argument_exception: pipeline with id", Name: "an ingest pipeline that does not exist", Class: serverstate.Stays, Ran: "TestStatesOfIndices"},
		{Code: "index_closed_exception", Name: "a closed index", Class: serverstate.Stays, Ran: "TestStatesOfIndices"},
		{Code: "index_not_found_exception", Name: "no such index, and it may not be created", Class: serverstate.Stays, Ran: "TestNoIndex"},
		{Code: "invalid_index_name_exception", Name: "a name that no index may have", Class: serverstate.Stays},
		{Code: "validation_exception", Name: "too many shards in the cluster (cluster.max_shards_per_node)", Class: serverstate.Stays, Ran: "TestStatesOfServers"},
		{Code: "403 cluster_block_exception", Name: "an index or a cluster that was set to read-only", Class: serverstate.Stays, Ran: "TestStatesOfIndices"},
		{Code: "429 cluster_block_exception", Name: "a full disk (flood stage); the server ends the block when there is room", Class: serverstate.Passes, Ran: "TestStatesOfIndices"},

		// The cluster.
		{Code: "503 cluster_block_exception", Name: "a cluster without a master, or that starts", Class: serverstate.Passes},
		{Code: "master_not_discovered_exception", Name: "a cluster without a master", Class: serverstate.Passes},
		{Code: "unavailable_shards_exception", Name: "no primary shard", Class: serverstate.Passes, Ran: "TestStatesOfIndices"},
		{Code: "shard_not_found_exception", Name: "a shard whose node is not ready, as with a full disk (OpenSearch)", Class: serverstate.Passes},
		{Code: "index_shard_closed_exception", Name: "a shard that moves or starts", Class: serverstate.Passes},
		{Code: "illegal_index_shard_state_exception", Name: "a shard that moves or starts", Class: serverstate.Passes},
		{Code: "no_shard_available_action_exception", Name: "no shard that can be read", Class: serverstate.Passes},
		{Code: "process_cluster_event_timeout_exception", Name: "a master that did not change the mapping in time", Class: serverstate.Passes},
		{Code: "node_closed_exception", Name: "a node that stops", Class: serverstate.Passes},
		{Code: "es_rejected_execution_exception", Name: "a full queue, or too much memory for writes", Class: serverstate.Passes, Ran: "TestStatesOfServers"},
		{Code: "rejected_execution_exception", Name: "a full queue, or too much memory for writes (OpenSearch)", Class: serverstate.Passes, Ran: "TestStatesOfServers"},
		{Code: "circuit_breaking_exception", Name: "too little memory", Class: serverstate.Passes, Ran: "TestStatesOfServers"},
		{Code: "timeout_exception", Name: "a server that did not finish in time", Class: serverstate.Unknown},

		// Users.
		{Code: "security_exception", Name: "no or wrong credentials, or a missing right", Class: serverstate.Stays, Ran: "TestStatesOfUsers"},

		// Statuses of all other errors, also those of proxies.
		{Code: "3xx", Name: "a server that has moved, or a proxy that wants HTTPS", Class: serverstate.Stays, Ran: "TestForeignServer"},
		{Code: "400", Name: "a request that the server does not understand", Class: serverstate.Stays},
		{Code: "401", Name: "no or wrong credentials", Class: serverstate.Stays, Ran: "TestStatesOfUsers"},
		{Code: "403", Name: "a missing right", Class: serverstate.Stays, Ran: "TestStatesOfUsers"},
		{Code: "404", Name: "another kind of server, or a wrong prefix", Class: serverstate.Stays, Ran: "TestForeignServer"},
		{Code: "405", Name: "another kind of server", Class: serverstate.Stays},
		{Code: "413", Name: "a request over http.max_content_length, or over the limit of a proxy", Class: serverstate.Row, Ran: "TestLargeDocuments"},
		{Code: "429", Name: "too many requests", Class: serverstate.Passes},
		{Code: "500", Name: "a failure inside the server", Class: serverstate.Unknown},
		{Code: "502", Name: "a proxy without a server", Class: serverstate.Passes},
		{Code: "503", Name: "a cluster that is not ready, or a proxy without a server", Class: serverstate.Passes},
		{Code: "504", Name: "a proxy that got no answer in time", Class: serverstate.Unknown},
	},
}
