"""What the Python library makes of traces: one JSON array of notifications a
line on stdin, for each one line on stdout, {"report": text} or {"error": text}.
"""
import json
import sys

from osprofiler.drivers import base

for line in sys.stdin:
    driver = base.Driver("none://")
    try:
        for n in json.loads(line):
            # as the drivers that keep whole notifications read them
            ids = n["trace_id"], n["parent_id"]
            who = n["name"], n["project"], n["service"], n["info"]["host"]
            driver._append_results(*ids, *who, n["timestamp"], n)
        text = json.dumps(driver._parse_results(), separators=(",", ": "), indent=2)
        answer = {"report": text}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
