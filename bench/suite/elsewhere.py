"""The server elsewhere: what it sent is replayed on another core, so that a client's own speed is seen."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

from suite import yardsticks
from suite.contest import Contender, contest
from suite.measure import measure
from suite.outcome import PARTITIONS, STREAM, Outcome
from suite.place import ROOT, fresh_directory
from suite.programs import Setup
from suite.recording import RecordingProxy
from suite.tables import fill

OURS = "bqsync into staged Parquet"
REPLAY = ROOT / "bench" / "suite" / "replay.py"
TICKS = os.sysconf("SC_CLK_TCK")


def cores():
    """One for the client, one for the server's part."""
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2:
        sys.exit("bench: elsewhere needs two processors: one for the client, one for what is replayed")
    return there[0], there[1]


def pinned(core, command):
    return ["taskset", "--cpu-list", str(core), *command]


class Replayed:
    """What one contender was answered, and the process that answers it so again."""

    def __init__(self, name, start):
        """`start`: the command and its environment."""
        self.start, self.spent = start, []
        self.directory = fresh_directory("elsewhere_" + "".join(filter(str.isalnum, name)))
        with RecordingProxy(self.directory) as proxy:
            measure(*self.against(proxy.port))
        self.size = proxy.size

    def against(self, port):
        """The client on its core, with that port for its server. It is recorded there too: what it asks, and by how many
        connections, may follow from how many cores it has."""
        command, env = self.start()
        return pinned(cores()[0], command), env | {"MYSQL_PORT": str(port)}

    def __enter__(self):
        command = pinned(cores()[1], [sys.executable, "-I", str(REPLAY), str(self.directory)])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        shutil.rmtree(self.directory)

    def cpu(self):
        """The process's seconds of processor so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def contender(self, name):
        def start(_turn):
            self.before = self.cpu()
            return self.against(self.port)

        def after(turn):
            if turn > 0:
                self.spent.append(self.cpu() - self.before)

        return Contender(name, start, yardsticks.rows, after)


def every(tables, rounds):
    for table in tables:
        yield into_parquet(table, rounds)


def into_parquet(table, rounds):
    """One table into Parquet, by those who do that."""
    fill([table])
    setup = Setup(f"elsewhere_{table.name}", [table], settings={"readers": 1})

    def connectorx(variant):
        return lambda: yardsticks.connectorx(variant, [table.query])

    starts = {PARTITIONS: connectorx("partitions"), STREAM: connectorx("stream"), OURS: setup.extract}
    with contextlib.ExitStack() as stack:
        print(f"recording what is sent of {table.name} ...", flush=True)
        replays = {name: stack.enter_context(Replayed(name, start)) for name, start in starts.items()}
        contenders = [replayed.contender(name) for name, replayed in replays.items()]
        contest(contenders, table.rows, rounds)
    notes = {
        "Against connectorx's better": list(ratios(contenders)),
        "What replays": [share(each, replays[each.name]) for each in contenders],
    }
    about = f"{table.rows:,} rows of {table.name}, the server elsewhere"
    return Outcome(f"elsewhere: {table.name}", about, table.rows, replays[STREAM].size, contenders, notes, "from the wire")


def ratios(contenders):
    *theirs, ours = contenders
    for figure, words in ("wall", "times as fast"), ("cpu", "times as many rows for a second of the processor"):
        best = min(each.median(figure) for each in theirs)
        yield f"{best / ours.median(figure):.2f} {words}"


def share(contender, replayed):
    busy = sum(replayed.spent) / sum(run.wall for run in contender.runs)
    return f"{busy:5.1%} of its core, {replayed.size / 1e6:,.1f} MB; {contender.name}"
