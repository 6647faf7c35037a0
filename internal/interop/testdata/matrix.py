# Runs the unmodified driver of the real Python library on a store. The argument
# is a connection string. Standard input has {"write": notifications, "read": base
# ids}. The script writes the notifications, reports on each trace, and lists all
# traces. It prints JSON: {"driver": ..., "written": ..., "reports": [...], "list":
# ..., "errors": ...}, where each result is {"value": ...} or {"error": ...}.
#
# A report on a bus takes all messages away, so each trace has a place of its own
# there: "places" has {"at": connection string, "write": notifications, "base_id": id}
# for each.
import concurrent.futures
import json
import logging
import multiprocessing
import sys
import urllib.parse

from osprofiler import opts
from osprofiler.drivers import base, sqlalchemy_driver
import osprofiler.drivers  # noqa: F401, all of them
from oslo_config import cfg

conf = cfg.ConfigOpts()
conf([])
opts.set_defaults(conf)
conf.set_override("filter_error_trace", True, group="profiler")


def attempt(function, *args):
    try:
        return {"value": function(*args)}
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


def driver(url=None):
    url = url or sys.argv[1]
    # Python takes the name of an index or a database as an argument only.
    alone, _, query = url.partition("?")
    arguments = dict(urllib.parse.parse_qsl(query))
    if url.startswith("elasticsearch:"):
        return base.get_driver(alone, index_name=arguments["index_name"], conf=conf)
    if url.startswith("mongodb:"):
        return base.get_driver(alone, db_name=arguments["db_name"], conf=conf)
    if url.startswith("messaging:"):
        # The driver fails without a context, which its caller has to give to it.
        return base.get_driver(alone, context={}, conf=conf, transport_url=arguments["transport_url"],
                               idle_timeout=int(arguments["idle_timeout"]))
    if not url.startswith("sqlite:"):
        return base.get_driver(url, conf=conf)
    # The list of schemes has no sqlite, but the driver accepts it.
    made = sqlalchemy_driver.SQLAlchemyDriver(url)
    made._conn.exec_driver_sql("PRAGMA synchronous = OFF")
    return made


def write(notifications, url=None):
    """Stores each notification as its own service would. Returns the first error,
    and the number of errors."""
    to, errors = driver(url), []
    for notification in notifications:
        to.project = notification.get("project")
        to.service = notification.get("service")
        to.host = notification["info"]["host"]
        result = attempt(to.notify, notification)
        errors += [result["error"]] if "error" in result else []
    if notifications and sys.argv[1].startswith("elasticsearch:"):
        attempt(to.client.indices.refresh, "_all")
    if notifications and "kafka" in sys.argv[1]:
        to.transport._driver.pconn.producer.flush()  # a service runs long enough to need no flush
    return {"error": errors[0] if errors else "", "value": len(errors)}


def report(place):
    """Writes to a place and reports on its trace, in a process of its own."""
    written = write(place["write"] or [], place["at"])
    if written["error"]:
        return written
    return attempt(lambda: driver(place["at"]).get_report(place["base_id"]))


def reports(places):
    """Reports at all places at once, because each report waits for idle_timeout."""
    processes = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(len(places), processes) as pool:
        return list(pool.map(report, places))


# The same batch twice has the same ids, which oslo.messaging ignores with a log entry.
logging.getLogger("oslo_messaging._drivers.amqpdriver").addFilter(
    lambda record: not record.getMessage().startswith("ignoring duplicate message"))
asked, answers = json.load(sys.stdin), sys.stdout
sys.stdout = sys.stderr  # drivers print remarks
# Before there are connections and threads, which a new process must not have.
placed = reports(asked["places"]) if asked.get("places") else None
made = attempt(driver)
answer = {"driver": {"error": made["error"]} if "error" in made else {"value": None}}
if "value" in made:
    answer["written"] = write(asked["write"])
    # A driver can give only one report, so each report needs a new driver.
    answer["reports"] = placed or [attempt(lambda: driver().get_report(base_id)) for base_id in asked["read"]]
    answer["list"] = attempt(lambda: list(driver().list_traces({"base_id", "timestamp"})))
    answer["errors"] = attempt(lambda: list(driver().list_error_traces()))
json.dump(answer, answers)
