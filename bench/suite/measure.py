"""One process at a time, and what it took."""

import contextlib
import dataclasses
import fcntl
import os
import subprocess
import sys
import tempfile

from suite.place import ROOT

ACCOUNT = ROOT / "bench" / "suite" / "account.py"

# Reports of 200 mappings are below it; what is thrown away is not kept in memory.
KEPT = 16 << 20


@dataclasses.dataclass(frozen=True)
class Run:
    """Seconds, seconds of processor, peak resident MB, and bytes of standard output with their beginning."""

    wall: float
    cpu: float
    rss: float
    size: int
    output: bytes


@contextlib.contextmanager
def quiet_machine():
    """Where others share the machine and take the same lock (BENCH_LOCK), they rest while we measure."""
    path = os.environ.get("BENCH_LOCK")
    if not path:
        yield
        return
    with open(path, "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def measure(command, env, keep=KEPT):
    """Runs a command; keeps so much of its standard output."""
    with quiet_machine(), tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([sys.executable, "-I", "-S", str(ACCOUNT), str(told.fileno()), *command],
                                   stdout=subprocess.PIPE, stderr=errors, env=env, cwd=ROOT,
                                   pass_fds=[told.fileno()])
        output, size = drained(process.stdout, keep)
        process.wait()
        told.seek(0)
        errors.seek(0)
        code, *took = told.read().split() or [b"?"]
        said = errors.read()
    if code != b"0":
        sys.exit(f"bench: {' '.join(command)[:300]} failed ({code.decode()}):\n"
                 f"{(output[-4000:] + said[-4000:]).decode(errors='replace')}")
    wall, cpu, peak = map(float, took)
    return Run(wall, cpu, peak / 1024, size, output)


def drained(stream, keep):
    output, size = bytearray(), 0
    while chunk := stream.read1(1 << 20):
        size += len(chunk)
        output += chunk[:keep - len(output)]
    return bytes(output), size
