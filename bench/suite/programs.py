"""Our own programs: how they are built, configured and started."""

import functools
import json
import os
import shutil
import subprocess
import sys

from suite.place import PROJECT, ROOT, environment, fresh_directory


@functools.cache
def binaries():
    """As they are given away; BENCH_PROFILE=release builds quicker and runs a tenth slower.

    Cargo puts a hash behind the bench's name and tells it in its messages.
    """
    profile = os.environ.get("BENCH_PROFILE", "dist")
    build = subprocess.run(["cargo", "build", "--profile", profile, "--locked", "--bench", "pipeline", "--bin", "bqsync",
                            "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = map(json.loads, build.stdout.splitlines())
    return {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}


class Setup:
    """A directory with a config.yaml (JSON is YAML), a state and reports of its own."""

    def __init__(self, dataset, tables, name=None, settings=None, **more):
        """`settings`: further keys of the top level; `more`: of every mapping."""
        self.dataset, self.tables = dataset, tables
        self.home = fresh_directory(name or dataset)
        config = {"project": PROJECT, "dataset": dataset, "state_local_path": str(self.home / "state.json"),
                  "report_dir": str(self.home / "reports"), "mappings": [table.mapping | more for table in tables]} | (settings or {})
        if readers := os.environ.get("BENCH_READERS"):
            config.setdefault("readers", int(readers))
        self.config = self.home / "config.yaml"
        self.config.write_text(json.dumps(config, indent=1), encoding="utf-8")

    def like(self, name, settings=None, **more):
        """Another one that goes on from the same state, into the same dataset."""
        other = Setup(self.dataset, self.tables, f"{self.dataset}_{name}", settings, **more)
        shutil.copy(self.home / "state.json", other.home)
        return other

    def sync(self, **env):
        """One incremental run of everything, as a command and its environment."""
        command = [binaries()["bqsync"], "--no-tui", "--config", str(self.config), "--output", "json", "run-once"]
        return command, environment(**env)

    def told(self, command):
        """`status` or `check` of everything, as a command and its environment."""
        return [binaries()["bqsync"], "--no-tui", "--config", str(self.config), command], environment()

    def extract(self):
        """Rows into Parquet without a network behind it, as a command and its environment."""
        return [binaries()["pipeline"]], environment(BENCH_CONFIG=str(self.config))


def records(run):
    """How many new and changed rows a sync says it moved: what it read again below the watermark does not count."""
    reports = json.loads(run.output)["mappings"]
    failed = [report["errors"] for report in reports if report["errors"]]
    if failed:
        sys.exit(f"bench: a mapping failed: {failed[0]}")
    return sum(report["records_processed"] - report["rows_read_again"] for report in reports)
