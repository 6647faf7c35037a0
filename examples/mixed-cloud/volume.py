"""A service with the OpenTelemetry of OpenStack's own libraries: oslo.middleware for
its HTTP server, oslo.messaging for the RPC between its API and its manager.

volume.conf has what an operator sets. The service sends its spans by OTLP to the
endpoint of this file, or of OTLP_ENDPOINT. It has no osprofiler.
"""

import os
import signal
import threading
from wsgiref import simple_server

from oslo_config import cfg
from oslo_context import context
import oslo_messaging
from oslo_middleware import request_id
from oslo_middleware import tracing
import webob.dec

TOPIC = oslo_messaging.Target(topic="cinder-volume", version="1.0")


class Manager:
    """Serves the RPC."""

    target = TOPIC

    def create_volume(self, ctxt, size):
        return f"a volume of {size} GB"


class Serializer(oslo_messaging.NoOpSerializer):
    def serialize_context(self, ctxt):
        return ctxt.to_dict()


def api(client):
    @webob.dec.wsgify
    def app(request):
        ctxt = request.environ["oslo.context"]
        return webob.Response(client.call(ctxt, "create_volume", size=1) + "\n")

    return app


def with_context(app):
    """Makes the context that keystonemiddleware makes of a token."""

    @webob.dec.wsgify
    def middleware(request):
        request.environ["oslo.context"] = context.RequestContext(
            request_id=request.environ["openstack.request_id"],
            project_id="0a6fc36d5d1149538585c2967b796630",
        )
        return request.get_response(app)

    return middleware


def main():
    conf = cfg.CONF
    conf(["--config-file", os.path.join(os.path.dirname(__file__), "volume.conf")])
    transport = oslo_messaging.get_rpc_transport(conf, "fake://")
    manager = oslo_messaging.get_rpc_server(
        transport, oslo_messaging.Target(topic=TOPIC.topic, server="volume-1"), [Manager()]
    )
    manager.start()
    client = oslo_messaging.get_rpc_client(transport, TOPIC, serializer=Serializer())
    if "OTLP_ENDPOINT" in os.environ:
        conf.register_opts(tracing.TRACING_OPTS, "oslo_middleware_tracing")
        conf.set_override("otlp_endpoint", os.environ["OTLP_ENDPOINT"], "oslo_middleware_tracing")
    app = tracing.TracingMiddleware(api(client), conf)
    app = request_id.RequestId(with_context(app))
    server = simple_server.make_server("127.0.0.1", 0, app)
    stop = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: stop.start())
    print("listening on", server.server_port, flush=True)
    server.serve_forever()
    manager.stop()
    manager.wait()


main()
