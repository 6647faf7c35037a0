"""Hands notifications to the Python library's OTLP driver.

Arguments: connection string, project, service, service_name_prefix. The standard input
has one notification a line.
"""

import json
import sys

from opentelemetry import trace
from oslo_config import cfg

from osprofiler import opts
from osprofiler.drivers import otlp

opts.set_defaults(cfg.CONF)
cfg.CONF([])
cfg.CONF.set_override("service_name_prefix", sys.argv[4], "profiler_otlp")
driver = otlp.OTLP(sys.argv[1], project=sys.argv[2], service=sys.argv[3], conf=cfg.CONF)
for line in sys.stdin:
    driver.notify(json.loads(line))
trace.get_tracer_provider().shutdown()
