# Has the real Python library do what a test asks for. The first argument says
# what; more arguments and JSON on standard input say with what. The answer is
# JSON on standard output.
import datetime
import json
import sys
import uuid


def attempt(function, *args):
    """The outcome of a call: its value, or its error."""
    try:
        return {"value": function(*args)}
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


def uuids(texts):
    return [attempt(lambda: str(uuid.UUID(text))) for text in texts]


def times(texts):
    form = "%Y-%m-%dT%H:%M:%S.%f"
    return [attempt(lambda: datetime.datetime.strptime(text, form).isoformat(timespec="microseconds"))
            for text in texts]


def jsons(texts):
    from oslo_serialization import jsonutils
    return [attempt(lambda: jsonutils.dumps(jsonutils.loads(text))) for text in texts]


def pack(requests):
    from osprofiler import _utils
    return [[part.decode() if isinstance(part, bytes) else part
             for part in _utils.signed_pack(r["trace"], r["key"])] for r in requests]


def unpack(requests):
    from osprofiler import _utils
    return [attempt(_utils.signed_unpack, r["info"], r["mac"], r["keys"]) for r in requests]


def sql(path, project=None, service=None, host=None):
    from osprofiler.drivers import sqlalchemy_driver
    return sqlalchemy_driver.SQLAlchemyDriver(
        "sqlite:///" + path, project=project, service=service, host=host)


def sql_write(notifications, path, host=None):
    """Stores each as a service on that host would, or on the one it tells of."""
    driver = sql(path, "python-project", "python-service", host)
    # It commits every row, and a test need not wait for the disk each time.
    driver._conn.exec_driver_sql("PRAGMA synchronous = OFF")
    for notification in notifications:
        if host is None:
            driver.host = (notification.get("info") or {}).get("host")
        driver.notify(notification)


def sql_report(base_ids, path):
    # A driver gives one report only, hence a new one for each.
    return [attempt(lambda: sql(path).get_report(base_id)) for base_id in base_ids]


def sql_list(fields, path):
    return sql(path).list_traces(set(fields))


done = globals()[sys.argv[1]](json.load(sys.stdin), *sys.argv[2:])
json.dump(done, sys.stdout)
