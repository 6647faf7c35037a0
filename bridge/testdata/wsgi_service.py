"""A WSGI service with upstream's own middleware, for the tests.

    wsgi_service.py SERVICE NOTIFICATIONS

NOTIFICATIONS is a file, to which JSON lines are appended, or a connection
string, for upstream's own driver. The service listens on a port of
127.0.0.1 that it prints, and ends when its standard input does.

The query of a request is for the service itself: keys is the middleware's
option hmac_keys, next a URL to call on the way. The answer is a JSON object:
what the handler sees of the profiler, which headers it would send, and what
the next service answered.
"""

import json
import os
import sys
import threading
import urllib.parse
import urllib.request
import wsgiref.simple_server

from oslo_config import cfg
from osprofiler import notifier
from osprofiler import opts
from osprofiler import profiler
from osprofiler import web
import osprofiler.drivers  # noqa: F401, all of them
from osprofiler.drivers import base
from osprofiler.drivers import sqlalchemy_driver


def use(service, target):
    if "://" in target:
        who = {"project": "python", "service": service, "host": "python-host"}
        if target.startswith("sqlite:"):  # not in upstream's list of schemes
            driver = sqlalchemy_driver.SQLAlchemyDriver(target, **who)
        elif target.startswith("rabbit:"):  # a transport URL
            driver = base.get_driver("messaging://", transport_url=target,
                                     context={}, **who)
        else:
            opts.set_defaults(cfg.CONF)
            driver = base.get_driver(target, conf=cfg.CONF, **who)
        notifier.set(driver.notify)
        return

    def append(payload, *_args, **_kwargs):
        payload = dict(payload, project="python", service=service)
        with open(target, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(payload) + "\n")
    notifier.set(append)


def headers():
    """The headers to send, as text; before 4.0 one is bytes."""
    return {name: value.decode() if isinstance(value, bytes) else value
            for name, value in web.get_trace_id_headers().items()}


def application(environ, start_response):
    query = urllib.parse.parse_qs(environ["QUERY_STRING"])
    seen = {"traced": False, "sends": headers()}
    current = profiler.get()
    if current:
        seen.update(traced=True, base_id=current.get_base_id(),
                    parent_id=current.get_parent_id(), id=current.get_id())
    if "next" in query:
        with profiler.Trace("call", info={"to": "next"}):
            request = urllib.request.Request(
                query["next"][0], headers=headers())
            with urllib.request.urlopen(request, timeout=60) as response:
                seen["next"] = json.load(response)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(seen).encode()]


def dispatch(environ, start_response):
    query = urllib.parse.parse_qs(environ["QUERY_STRING"])
    keys = query.get("keys", [""])[0]
    app = web.WsgiMiddleware(application, hmac_keys=keys, enabled=True)
    return app(environ, start_response)


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_args):
        pass


def main():
    use(sys.argv[1], sys.argv[2])
    server = wsgiref.simple_server.make_server(
        "127.0.0.1", 0, dispatch, handler_class=Quiet)
    print(server.server_port, flush=True)

    def end():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=end, daemon=True).start()
    server.serve_forever()


main()
