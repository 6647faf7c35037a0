# Runs the command that it is told by JSON on standard input, and writes how
# much memory was resident at most as JSON on standard output. It stands between
# since what the system says of a process counts its parent's memory, too, from
# before it became another program: here that of a small one.
import json
import resource
import subprocess
import sys
import time

command = json.load(sys.stdin)
began = time.perf_counter()
done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
took = time.perf_counter() - began
if done.returncode:
    sys.stderr.write(done.stderr)
json.dump({
    "seconds": took,
    "peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
    "output": done.stdout,
    "code": done.returncode,
}, sys.stdout)
