# Calls the unmodified driver of the real Python library on a bus. The arguments are
# the name of a function, a transport URL, and the function's own arguments. Standard
# input has JSON for the function. The script prints the result as JSON.
import json
import sys
import time

import oslo_messaging
from oslo_config import cfg
from osprofiler import opts
from osprofiler.drivers import base
import osprofiler.drivers  # noqa: F401, all of them


def driver(url, idle=1, exchange=None, **who):
    conf = cfg.ConfigOpts()
    conf([])
    opts.set_defaults(conf)
    if exchange:
        oslo_messaging.set_transport_defaults(exchange)
    return base.get_driver("messaging://", context={}, conf=conf, transport_url=url, idle_timeout=int(idle), **who)


def write(notifications, url, exchange=None, pause=0):
    """Sends each notification as its own service would, with a pause in seconds."""
    to = driver(url, exchange=exchange)
    for notification in notifications:
        time.sleep(float(pause))
        to.project = notification.get("project")
        to.service = notification.get("service")
        to.notify(notification)
    if url.startswith("kafka:"):
        # Python's driver does not wait for Kafka. A service runs long enough.
        to.transport._driver.pconn.producer.flush()


def report(base_id, url, idle):
    return driver(url, idle).get_report(base_id)


class Everything:
    """An endpoint that keeps all notifications in the order in which they come."""

    def __init__(self):
        self.payloads, self.last = [], time.time()

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.payloads.append(payload)
        self.last = time.time()


def take(count, url, exchange=None):
    """Takes count notifications as any service that listens does, or fewer if no
    more come within a minute. One thread takes them: several would mix their order."""
    endpoint = Everything()
    listener = oslo_messaging.get_notification_listener(
        driver(url, exchange=exchange).transport, [oslo_messaging.Target(topic="profiler")], [endpoint], executor="threading")
    listener.start(override_pool_size=1)
    endpoint.last = time.time()
    while len(endpoint.payloads) < count and time.time() - endpoint.last < 60:
        time.sleep(0.05)
    listener.stop()
    listener.wait()
    return endpoint.payloads


asked, answers = json.load(sys.stdin), sys.stdout
sys.stdout = sys.stderr  # drivers print remarks
json.dump(globals()[sys.argv[1]](asked, *sys.argv[2:]), answers)
