// Package otlpreceiver receives spans by OTLP and gives them to a relay as
// notifications.
//
//	source, err := otlpreceiver.Open("otlp+http://127.0.0.1:4318")
//	…
//	defer source.Close()
//	stats, err := relay.Follow(ctx, []relay.Source{source}, targets)
//
// The schemes are otlp+grpc:// and otlp+http:// for plain text, otlp+grpcs:// and
// otlp+https:// for TLS. Without a host the receiver listens at 127.0.0.1. Without a port it
// listens at 4317 (gRPC) or 4318 (HTTP). The port 0 stands for any free port. A path replaces
// /v1/traces.
//
// # Guarantees
//
// At least once. A client gets the answer "success" when every target of the relay has its
// spans. If the targets do not have them within the time of osp_wait, the client gets an
// answer after which an OTLP client sends the same spans again. Repeated spans have the same
// ids, so a store shows one of each.
//
// By name. If a span cannot be converted, or a target refuses it, the other spans are not
// affected. The answer counts the span in partial_success, and gives its ids, its name and
// the reason. If no span of a request can be taken, the answer is an error.
//
// Bounded. The options bound the size of a request, also after decompression, the number of
// connections and of requests at once, and the memory of requests. Requests of clients over a
// bound wait, and are then answered with a request to send again. Connections that send
// slowly or not at all are closed.
//
// One client may use all of that, because a proxy, a NAT or a container bridge in front of
// many programs has one address. The option osp_max_address_connections limits one client to
// that part of the connections, of the requests, and of the memory for bodies that are being
// read. Connections of the client over the limit are closed at once. Some exporters, such as
// the Go exporter for OTLP/HTTP, then lose their spans. For connections, a client is a remote
// address, or a network (/64) for IPv6. For requests and memory, each connection from the
// same machine is a client of its own.
//
// # Options
//
// These options stand in the query of the connection string:
//
//	osp_wait               how long a request may wait for the targets (5s)
//	osp_max_message_size        bytes of a request, after decompression (4194304)
//	osp_max_memory         bytes of all requests at once, with their spans (268435456)
//	osp_max_requests       requests at once (1024)
//	osp_max_connections    connections at once (256)
//	osp_max_address_connections  connections of one address at once; more are closed.
//	                       It also limits the address to the same part of requests and
//	                       memory (osp_max_connections, which is no such limit)
//	osp_read_timeout       how long a client may take to send a request (30s)
//	osp_idle_timeout       when a connection without requests is closed (2m)
//	osp_token_file         a file with the token that clients must send
//	osp_token_env          an environment variable with that token
//	osp_token              that token; process lists may show it
//	osp_plaintext_token    true: a token is allowed in plain text from other machines
//	osp_cert_file          the certificate for TLS, in PEM form
//	osp_key_file           its key, if it is not in the same file
//	osp_key_password       the password of the key
//	osp_client_ca_certs     authorities; clients must show a certificate of one of them
package otlpreceiver
