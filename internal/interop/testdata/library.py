# Calls a function of the real Python library for a test. The first argument names
# the function. Its own arguments are the other arguments and the JSON on standard
# input. The script prints the result as JSON.
import datetime
import json
import sys
import uuid


def attempt(function, *args):
    """Return the outcome of a call: its value or its error."""
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
    """Stores each notification as a service on host, or on its own host, would."""
    driver = sql(path, "python-project", "python-service", host)
    # The driver commits every row. A test need not wait for the disk each time.
    driver._conn.exec_driver_sql("PRAGMA synchronous = OFF")
    for notification in notifications:
        if host is None:
            driver.host = (notification.get("info") or {}).get("host")
        driver.notify(notification)


def sql_report(base_ids, path):
    # A driver can give only one report, so each report needs a new driver.
    return [attempt(lambda: sql(path).get_report(base_id)) for base_id in base_ids]


def sql_list(fields, path):
    return sql(path).list_traces(set(fields))


done = globals()[sys.argv[1]](json.load(sys.stdin), *sys.argv[2:])
json.dump(done, sys.stdout)
