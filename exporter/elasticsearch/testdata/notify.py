# Writes the notifications on standard input with Python's driver: the index is
# made by dynamic mapping.
import json
import sys

from oslo_config import cfg
from osprofiler import opts
from osprofiler.drivers import elasticsearch_driver

opts.set_defaults(cfg.CONF)
driver = elasticsearch_driver.ElasticsearchDriver(
    sys.argv[1], index_name=sys.argv[2], project="nova", service="api", host="h", conf=cfg.CONF)
for line in sys.stdin:
    driver.notify(json.loads(line))
