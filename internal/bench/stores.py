# Measures the unmodified driver of the Python library on a real store. It reads the
# work as JSON from standard input, and prints the seconds per operation as JSON.
import json
import sys
import time
import warnings
from urllib import parse

from osprofiler import opts
from osprofiler.drivers import base, sqlalchemy_driver
import osprofiler.drivers  # noqa: F401, all of them
from oslo_config import cfg

conf = cfg.ConfigOpts()
conf([])
opts.set_defaults(conf)


warnings.simplefilter("ignore")  # the drivers use what their client libraries deprecate


def driver(url, like=None):
    options = {}
    if url.startswith(("elasticsearch:", "mongodb:")):
        # The driver takes these options as arguments only.
        url, _, query = url.partition("?")
        options = {key: value for key, value in parse.parse_qsl(query)
                   if key in ("index_name", "db_name")}
    if url.startswith("sqlite:"):
        # The list of schemes has no sqlite, but the driver accepts it.
        made = sqlalchemy_driver.SQLAlchemyDriver(url)
    else:
        made = base.get_driver(url, conf=conf, **options)
    if like:
        made.project, made.service, made.host = like["project"], like["service"], like["info"]["host"]
    return made


def seconds(work, *args):
    began = time.perf_counter()
    got = work(*args)
    return time.perf_counter() - began, got


def notify(url, notifications):
    to = driver(url, notifications[0])
    part = (len(notifications) + 3) // 4

    def work(some):
        for notification in some:
            to.notify(notification)
    parts = [notifications[i:i + part] for i in range(0, len(notifications), part)]
    return min(seconds(work, some)[0] / len(some) for some in parts)


def report(url, base_id):
    def one():
        made = driver(url)  # a driver can give only one report
        took, got = seconds(made.get_report, base_id)
        if not got["children"]:
            raise ValueError("the report is empty")
        return took
    return min(one() for _ in range(2))


def list_traces(url, count):
    took, got = seconds(driver(url).list_traces, {"base_id", "timestamp"})
    if len(got) != count:
        raise ValueError("%d traces were listed, not %d" % (len(got), count))
    return took


asked = json.load(sys.stdin)
json.dump({work: globals()[work](**how) for work, how in asked.items()}, sys.stdout)
