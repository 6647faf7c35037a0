# Measures the Python library. It reads the work as JSON from standard input, and
# prints the seconds per operation as JSON. The unmodified Redis driver does the work,
# with a list in place of the database.
import json
import sys
import time

from osprofiler import _utils
from osprofiler import notifier
from osprofiler import profiler
from osprofiler.drivers import base
from osprofiler.drivers import redis_driver


class Database:
    def __init__(self, stored=()):
        self.stored = stored

    def lpush(self, key, text):
        self.last = text

    def scan_iter(self, match):
        return ()

    def lrange(self, key, first, last):
        return self.stored


class Driver(redis_driver.Redis):
    def __init__(self, stored=()):
        base.Driver.__init__(self, "redis://", project="nova", service="api")
        self.db = Database(stored)
        self.namespace_opt = "osprofiler_opt:"
        self.namespace = "osprofiler:"


def seconds(work, rounds):
    began = time.perf_counter()
    for _ in range(rounds):
        work()
    return (time.perf_counter() - began) / rounds


work = json.load(sys.stdin)
start, stop = work["notifications"]
driver = Driver()
notifier.set(driver.notify)
profiler.init("key", base_id=start["base_id"], parent_id=start["parent_id"])
name = start["name"][:-len("-start")]


def encode():
    driver.notify(start)
    driver.notify(stop)


def operation():
    profiler.start(name, start["info"])
    profiler.stop(stop["info"])


def report():
    Driver(work["lines"]).get_report(start["base_id"])


ids = {"base_id": start["base_id"], "parent_id": start["parent_id"]}
signed = _utils.signed_pack(ids, "key")


def sign():
    _utils.signed_pack(ids, "key")


def verify():
    _utils.signed_unpack(signed[0], signed[1], ["key"])


json.dump({
    "sign": min(seconds(sign, 2000) for _ in range(5)),
    "verify": min(seconds(verify, 2000) for _ in range(5)),
    "encode": min(seconds(encode, 2000) for _ in range(5)),
    "operation": min(seconds(operation, 2000) for _ in range(5)),
    "report": min(seconds(report, 1) for _ in range(3)),
}, sys.stdout)
