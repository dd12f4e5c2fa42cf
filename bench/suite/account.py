"""Runs a command and writes what it took, by the kernel's own account, to a descriptor: exit code, seconds, seconds of
processor, peak resident kB.

A program of its own because the kernel counts the peak of whoever starts a process to that process too. This one stays
small (9 MB): it imports next to nothing.
"""

import os
import sys
import time

told, command = int(sys.argv[1]), sys.argv[2:]
os.set_inheritable(told, False)
began = time.monotonic()
process = os.posix_spawnp(command[0], command, os.environ)
_, status, usage = os.wait4(process, 0)
wall = time.monotonic() - began
took = (os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
os.write(told, " ".join(map(str, took)).encode())
