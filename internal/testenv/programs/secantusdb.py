"""Starts a SecantusDB server with the arguments of its command secantusd-py.

There are two differences. The server looks for documents to delete by a TTL index
each second instead of each minute, for which the command has no option. And the
server ends when WiredTiger has panicked, for example because the disk is full.
MongoDB does that too. SecantusDB itself goes on, and refuses every command until
somebody restarts it.
"""

import functools
import os
import sys
import threading

from secantus import cli


def end_after_panic():
    """Ends the process when WiredTiger or SecantusDB has written of a panic."""
    log, (output, errors) = os.dup(2), os.pipe()
    os.dup2(errors, 2)

    def copy():
        for line in os.fdopen(output, "rb"):
            os.write(log, line)
            if b"WT_PANIC" in line:
                os._exit(14)  # as MongoDB does

    threading.Thread(target=copy, daemon=True).start()


end_after_panic()
cli.SecantusDBServer = functools.partial(cli.SecantusDBServer, ttl_sweep_seconds=1.0)
sys.exit(cli.main())
