"""Send spans by OpenTelemetry's Python SDK, and by oslo.middleware.

Usage: native.py http|grpc PORT. The output is a line for each span: its trace id,
its span id, its name.
"""

import sys

from oslo_config import cfg
from oslo_context import context as oslo_context
import webob

from opentelemetry import trace
from oslo_middleware import tracing

protocol, port = sys.argv[1:]
conf = cfg.ConfigOpts()
conf([], project="glance")
tracing._register_opts(conf)
group = "oslo_middleware_tracing"
conf.set_override("enabled", True, group)
conf.set_override("service_name", "glance-api", group)
conf.set_override("otlp_protocol", "grpc" if protocol == "grpc" else "http/protobuf", group)
conf.set_override("otlp_endpoint", "http://127.0.0.1:" + port, group)
conf.set_override("insecure", True, group)


def show(span):
    ids = span.get_span_context()
    print("%032x %016x %s" % (ids.trace_id, ids.span_id, span.name))


@webob.dec.wsgify
def application(request):
    show(request.environ["otel.span"])
    tracer = trace.get_tracer("native.py", "1.0")
    with tracer.start_as_current_span("SELECT glance", kind=trace.SpanKind.CLIENT) as span:
        span.set_attributes({
            "db.system": "mysql",
            "db.statement": "SELECT 1",
            "int": 2**62,
            "list": ["a", "b"],
            "text": "zażółć ✓",
        })
        show(span)
        try:
            raise ValueError("broken")
        except ValueError as error:
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, "broken")
    return webob.Response("ok")


class Context:
    """Set the request context, as the middleware of keystone does."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        environ["oslo.context"] = oslo_context.RequestContext(
            request_id="req-7c9e6679-7425-40de-944b-e07fc1f90ae7",
            global_request_id="req-0f8fad5b-d9cb-469f-a165-70867728950e",
            project_id="a-project", user_id="a-user", domain_id="a-domain")
        return self.app(environ, start_response)


app = Context(tracing.TracingMiddleware(application, conf))
request = webob.Request.blank("/v2/images?limit=1")
request.headers["traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
assert request.get_response(app).status_code == 200
tracing.shutdown_tracing()
