"""Starts a SecantusDB server with the arguments of its command secantusd-py.

There are two differences. The server looks for documents to delete by a TTL index
each second instead of each minute, for which the command has no option. And the
server ends when WiredTiger has panicked, for example because the disk is full.
MongoDB does that too. SecantusDB itself goes on, and refuses every command until
somebody restarts it.
"""

import functools
import logging
import os
import sys

from secantus import cli


class EndAfterPanic(logging.Handler):
    def emit(self, record):
        if "WT_PANIC" in logging.Formatter().format(record):
            os._exit(14)  # as MongoDB does


cli.SecantusDBServer = functools.partial(cli.SecantusDBServer, ttl_sweep_seconds=1.0)
logging.getLogger("secantus").addHandler(EndAfterPanic())
sys.exit(cli.main())
