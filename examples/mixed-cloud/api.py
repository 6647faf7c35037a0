"""A service with osprofiler, as the services of OpenStack have it: unmodified.

It hands the headers of its trace on to the service at METADATA_URL.
"""

import os
import signal
import threading
import urllib.request
from wsgiref import simple_server

from oslo_config import cfg
from osprofiler import initializer
from osprofiler import opts
from osprofiler import profiler
from osprofiler import web


@profiler.trace("compute", hide_args=True)
def ask_metadata():
    request = urllib.request.Request(os.environ["METADATA_URL"])
    for name, value in web.get_trace_id_headers().items():
        request.add_header(name, value)
    with urllib.request.urlopen(request) as response:
        return response.read()


def app(environ, start_response):
    body = ask_metadata()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


def main():
    conf = cfg.ConfigOpts()
    opts.set_defaults(
        conf,
        enabled=True,
        connection_string=os.environ["OSPROFILER_CONNECTION_STRING"],
        hmac_keys=os.environ["OSPROFILER_HMAC_KEYS"],
    )
    conf([])
    initializer.init_from_conf(conf, {}, "nova", "api", "api-1")
    server = simple_server.make_server(
        "127.0.0.1", 0, web.WsgiMiddleware(app, enabled=True)
    )
    stop = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: stop.start())
    print("listening on", server.server_port, flush=True)
    server.serve_forever()


main()
