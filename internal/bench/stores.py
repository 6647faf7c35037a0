# Measures upstream's driver, as it is, on a real store, on the work that it is
# given as JSON on standard input, and writes seconds per operation as JSON on
# standard output.
import json
import sys
import time

from osprofiler import opts
from osprofiler.drivers import base, sqlalchemy_driver
import osprofiler.drivers  # noqa: F401, all of them
from oslo_config import cfg

conf = cfg.ConfigOpts()
conf([])
opts.set_defaults(conf)


def driver(url, like=None):
    if url.startswith("sqlite:"):
        # Not in upstream's list of schemes, but the driver takes it.
        made = sqlalchemy_driver.SQLAlchemyDriver(url)
    else:
        made = base.get_driver(url, conf=conf)
    if like:
        made.project, made.service, made.host = like["project"], like["service"], like["info"]["host"]
    return made


def seconds(work):
    began = time.perf_counter()
    got = work()
    return time.perf_counter() - began, got


def notify(url, notifications):
    to = driver(url, notifications[0])

    def work():
        for notification in notifications:
            to.notify(notification)
    return seconds(work)[0] / len(notifications)


def report(url, base_id, rounds):
    best = None
    for _ in range(rounds):
        # A driver gives one report only, hence a new one for each.
        one = driver(url)
        took, got = seconds(lambda: one.get_report(base_id))
        best = min(best or took, took)
        if not got["children"]:
            raise ValueError("the report is empty")
    return best


def list_traces(url, count):
    one = driver(url)
    took, got = seconds(lambda: one.list_traces({"base_id", "timestamp"}))
    if len(got) != count:
        raise ValueError("%d traces were listed, not %d" % (len(got), count))
    return took


asked = json.load(sys.stdin)
json.dump({work: globals()[work](**how) for work, how in asked.items()}, sys.stdout)
