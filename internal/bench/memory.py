# Runs the command that it reads as JSON from standard input, and prints the time,
# the CPU time and the largest resident memory of the command as JSON. This small program starts the command because
# the system also counts the memory of the parent until exec.
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
used = resource.getrusage(resource.RUSAGE_CHILDREN)
json.dump({
    "seconds": took,
    "cpu": used.ru_utime + used.ru_stime,
    "peak": used.ru_maxrss * 1024,
    "output": done.stdout,
    "code": done.returncode,
}, sys.stdout)
