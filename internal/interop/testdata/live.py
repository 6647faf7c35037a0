# Writes notifications to a bus by the unmodified driver of the real Python library, in
# several phases. The arguments are a transport URL, the number of phases, a path and a
# name. A phase begins when the file PATH-PHASE is there. At its end, the script makes
# the file PATH-PHASE-done-NAME. Phase 0 needs no file. Standard input has the
# notifications as JSON.
import json
import os
import sys
import time

from oslo_config import cfg
from osprofiler import opts
from osprofiler.drivers import base
import osprofiler.drivers  # noqa: F401, all of them

notifications = json.load(sys.stdin)
url, phases, path, name = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
conf = cfg.ConfigOpts()
conf([])
opts.set_defaults(conf)


def write(part):
    # A driver of its own has connections of its own, as in a service that begins then.
    to = base.get_driver("messaging://", context={}, conf=conf, transport_url=url)
    for notification in part:
        to.project = notification.get("project")
        to.service = notification.get("service")
        to.notify(notification)
    to.transport.cleanup()


for phase in range(phases):
    while phase and not os.path.exists("%s-%d" % (path, phase)):
        time.sleep(0.05)
    first, end = (len(notifications) * i // phases for i in (phase, phase + 1))
    write(notifications[first:end])
    open("%s-%d-done-%s" % (path, phase, name), "w").close()
