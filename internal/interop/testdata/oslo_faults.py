# Does what a service with the OpenTelemetry of oslo.middleware and oslo.messaging does,
# and sends its spans by OTLP. The arguments are the name of a function and the endpoint.
# The script prints as JSON what the function has seen, and the releases. All spans have
# been sent when it ends.
import importlib.metadata
import json
import logging
import sys

import oslo_messaging
from oslo_config import cfg
from oslo_messaging import _tracing  # noqa: F401, registers its options
from oslo_middleware import tracing
import webob.dec
from osprofiler import profiler
from osprofiler import web

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TARGET = oslo_messaging.Target(topic="cinder-volume", version="1.0")
conf, seen = cfg.CONF, {}


class Manager:
    """Serves the RPC."""

    target = TARGET

    def create_volume(self, ctxt, size):
        seen["traceparent of the message"] = ctxt.get("traceparent", "")
        if size > 1000:
            raise ValueError("too large")
        return size


class Warnings(logging.Handler):
    """Keeps the exceptions of warnings that oslo.messaging logs."""

    def emit(self, record):
        if record.levelno >= logging.WARNING and record.exc_info and "tracing" in record.name:
            seen.setdefault("warnings", []).append("%s: %s" % (record.getMessage(), record.exc_info[0].__name__))


def configure(endpoint):
    conf([])
    conf.register_opts(tracing.TRACING_OPTS, "oslo_middleware_tracing")
    for name, value in {"enabled": True, "service_name": "volume", "otlp_endpoint": endpoint}.items():
        conf.set_override(name, value, "oslo_middleware_tracing")
    for name, value in {"tracing_enabled": True, "tracing_service_name": "volume", "otel_exporter_otlp_endpoint": endpoint}.items():
        conf.set_override(name, value, "oslo_messaging_tracing")
    logging.getLogger().addHandler(Warnings())


class Rpc:
    def __enter__(self):
        transport = oslo_messaging.get_rpc_transport(conf, "fake://")
        target = oslo_messaging.Target(topic=TARGET.topic, server="volume-1")
        self.server = oslo_messaging.get_rpc_server(transport, target, [Manager()], executor="threading")
        self.server.start()
        return oslo_messaging.get_rpc_client(transport, TARGET)

    def __exit__(self, *_):
        self.server.stop()
        self.server.wait()


@webob.dec.wsgify
def volumes(request):
    """Answers with the header that it would send on."""
    from opentelemetry import propagate

    carrier = {}
    propagate.inject(carrier)
    seen["traceparent sent on"] = carrier.get("traceparent", "")
    return webob.Response("none\n")


@webob.dec.wsgify
def raises(request):
    raise RuntimeError("the handler raises")


def get(app, **headers):
    return webob.Request.blank("/volumes", headers=headers).get_response(app)


def traceparent(flags="01"):
    return "00-%s-%s-%s" % (TRACE, CALLER, flags)


def unsigned():
    get(tracing.TracingMiddleware(volumes, conf))


def not_sampled():
    get(tracing.TracingMiddleware(volumes, conf), traceparent=traceparent("00"))


def rpc_alone():
    with Rpc() as client:
        client.call({}, "create_volume", size=1)


def rpc_with_exporter():
    import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: F401

    rpc_alone()


def rpc_behind_middleware():
    tracing.init_tracing(conf)
    rpc_alone()


def rpc_raises():
    tracing.init_tracing(conf)
    with Rpc() as client:
        try:
            client.call({}, "create_volume", size=1001)
        except Exception as error:
            seen["error of the caller"] = type(error).__name__


def handler_raises():
    try:
        get(tracing.TracingMiddleware(raises, conf), traceparent=traceparent())
    except RuntimeError as error:
        seen["error"] = str(error)
    rpc_alone()  # later, in the same thread, of no request


def to_osprofiler():
    web.enable("key")

    @webob.dec.wsgify
    def app(request):
        seen["traced"] = profiler.get() is not None
        return webob.Response("")

    get(web.WsgiMiddleware(app, enabled=True, hmac_keys="key"), traceparent=traceparent())


configure(sys.argv[2])
globals()[sys.argv[1]]()
seen["releases"] = {name: importlib.metadata.version(name) for name in ("oslo.middleware", "oslo.messaging", "osprofiler")}
json.dump(seen, sys.stdout)
