# Measures the unmodified driver of the Python library on a bus, and a listener of
# oslo.messaging. It reads the work as JSON from standard input, and prints the seconds
# per notification, or of the whole work, as JSON.
import json
import sys
import threading
import time

import oslo_messaging
from oslo_config import cfg
from osprofiler import opts
from osprofiler.drivers import base
import osprofiler.drivers  # noqa: F401, all of them

conf = cfg.ConfigOpts()
conf([])
opts.set_defaults(conf)


def driver(url):
    return base.get_driver("messaging://", context={}, conf=conf, transport_url=url, project="p", service="s", host="h")


def notify(url, notifications):
    to = driver(url)
    to.notify(notifications[0])  # connects
    part = (len(notifications) + 3) // 4

    def seconds(some):
        began = time.perf_counter()
        for notification in some:
            to.notify(notification)
        if url.startswith("kafka:"):
            to.transport._driver.pconn.producer.flush()
        return (time.perf_counter() - began) / len(some)
    return min(seconds(notifications[i:i + part]) for i in range(0, len(notifications), part))


class Counter:
    def __init__(self, count):
        self.left, self.done = count, threading.Event()

    def info(self, context, publisher_id, event_type, payload, metadata):
        self.left -= 1
        if self.left == 0:
            self.done.set()


def take(url, count):
    counter = Counter(count)
    listener = oslo_messaging.get_notification_listener(
        driver(url).transport, [oslo_messaging.Target(topic="profiler")], [counter], executor="threading")
    began = time.perf_counter()
    listener.start()
    if not counter.done.wait(600):
        raise ValueError("%d notifications did not come" % counter.left)
    took = time.perf_counter() - began
    listener.stop()
    listener.wait()
    return took


asked = json.load(sys.stdin)
json.dump({work: globals()[work](**how) for work, how in asked.items()}, sys.stdout)
