# Hands the notifications of a file to the OTLP driver of the Python library, and prints
# the seconds of CPU and of time for it, until its last span is sent, as JSON.
# Arguments: the connection string, the file, how many notifications, and after how many
# the queue of spans is emptied; 0 leaves that to OpenTelemetry's SDK.
import json
import sys
import time

from opentelemetry import trace
from oslo_config import cfg

from osprofiler import opts
from osprofiler.drivers import otlp

conf = cfg.CONF
opts.set_defaults(conf)
conf([])
driver = otlp.OTLP(sys.argv[1], project="p", service="s", conf=conf)
left, flush = int(sys.argv[3]), int(sys.argv[4])
with open(sys.argv[2]) as lines:
    began, cpu = time.perf_counter(), time.process_time()
    for line in lines:
        driver.notify(json.loads(line))
        left -= 1
        if not left:
            break
        if flush and left % flush == 0:
            trace.get_tracer_provider().force_flush()
    trace.get_tracer_provider().shutdown()
    json.dump({"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - began}, sys.stdout)
