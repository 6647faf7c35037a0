# Runs the unmodified driver of the real Python library on a store. The argument
# is a connection string. Standard input has {"write": notifications, "read": base
# ids}. The script writes the notifications, reports on each trace, and lists all
# traces. It prints JSON: {"driver": ..., "written": ..., "reports": [...], "list":
# ..., "errors": ...}, where each result is {"value": ...} or {"error": ...}.
import json
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


def driver():
    url = sys.argv[1]
    # Python takes the name of an index or a database as an argument only.
    alone, _, query = url.partition("?")
    arguments = dict(urllib.parse.parse_qsl(query))
    if url.startswith("elasticsearch:"):
        return base.get_driver(alone, index_name=arguments["index_name"], conf=conf)
    if url.startswith("mongodb:"):
        return base.get_driver(alone, db_name=arguments["db_name"], conf=conf)
    if not url.startswith("sqlite:"):
        return base.get_driver(url, conf=conf)
    # The list of schemes has no sqlite, but the driver accepts it.
    made = sqlalchemy_driver.SQLAlchemyDriver(url)
    made._conn.exec_driver_sql("PRAGMA synchronous = OFF")
    return made


def write(notifications):
    """Stores each notification as its own service would. Returns the first error,
    and the number of errors."""
    to, errors = driver(), []
    for notification in notifications:
        to.project = notification.get("project")
        to.service = notification.get("service")
        to.host = notification["info"]["host"]
        result = attempt(to.notify, notification)
        errors += [result["error"]] if "error" in result else []
    if notifications and sys.argv[1].startswith("elasticsearch:"):
        attempt(to.client.indices.refresh, "_all")
    return {"error": errors[0] if errors else "", "value": len(errors)}


asked = json.load(sys.stdin)
made = attempt(driver)
answer = {"driver": {"error": made["error"]} if "error" in made else {"value": None}}
if "value" in made:
    answer["written"] = write(asked["write"])
    # A driver can give only one report, so each report needs a new driver.
    answer["reports"] = [attempt(lambda: driver().get_report(base_id)) for base_id in asked["read"]]
    answer["list"] = attempt(lambda: list(driver().list_traces({"base_id", "timestamp"})))
    answer["errors"] = attempt(lambda: list(driver().list_error_traces()))
json.dump(answer, sys.stdout)
