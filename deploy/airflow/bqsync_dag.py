"""Runs every mapping of a bqsync configuration as a task of its own, every night (Airflow 3).

Each worker needs the program, the configuration and the variables that reach MySQL and BigQuery; docs/deploy.md says where.
Tasks are independent: one that fails is tried again alone, and goes on from its mapping's watermark.
"""

import json
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml
from airflow.sdk import BaseOperator, dag, task

try:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
except ImportError:  # Airflow 3.0 and 3.1
    from airflow.exceptions import AirflowException, AirflowFailException

PROGRAM = Path("/usr/local/bin/bqsync")
CONFIG = Path("/etc/bqsync/config.yaml")
# `.env`, reports and local state.
DIRECTORY = Path("/var/lib/bqsync")

# Exit codes (README.md) and kinds of error for which a retry does not help.
USAGE = 2
SCHEMA_DECISION = 3
STAYS = ("config", "schema", "data")


@task
def mappings() -> list[str]:
    """The names, read when the run begins: the file may have changed since the DAG was parsed."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    names = [mapping.get("name") for mapping in config["mappings"]]
    if None in names:
        raise AirflowFailException("an entry of `mappings` has no name: write out what stands under its `tables`")
    return names


class BqsyncRun(BaseOperator):
    """One incremental run of one mapping. Its log lines go to the task's log, its figures to XCom."""

    template_fields = ("mapping",)

    def __init__(self, *, mapping: str, **kwargs):
        super().__init__(**kwargs)
        self.mapping = mapping
        self.run = None

    def execute(self, context) -> dict:
        command = [str(PROGRAM), "--config", str(CONFIG), "run-once", "--mapping", self.mapping, "--output", "json"]
        with subprocess.Popen(command, cwd=DIRECTORY, stdout=subprocess.PIPE, text=True) as self.run:
            stdout, _ = self.run.communicate()
        return outcome(self.mapping, self.run.returncode, stdout)

    def on_kill(self):
        """The task was cleared or took too long: bqsync stops at its next safe point, within 5 seconds."""
        if self.run is not None:
            self.run.terminate()


def outcome(mapping: str, code: int, stdout: str) -> dict:
    """What a run comes to: its figures, or the exception that says whether it is to be tried again."""
    report = reported(stdout)
    if code == USAGE:
        raise AirflowFailException(f"{mapping}: the command line or the configuration is wrong; the log says where")
    if code == SCHEMA_DECISION:
        raise AirflowFailException(f"{mapping}: waits for a decision: see `bqsync schema-diff --mapping {mapping}`")
    if code != 0:
        # The log has the error itself.
        kind, hint = report.get("error_kind"), report.get("hint") or "the next run goes on from the watermark"
        failed = AirflowFailException if kind in STAYS else AirflowException
        raise failed(f"{mapping}: exit code {code} ({kind or 'stopped'}); next: {hint}")
    return {key: report[key] for key in ("mapping_name", "records_processed", "duration_seconds", "watermark_after")}


def reported(stdout: str) -> dict:
    """The mapping's part of the report; empty where the program ended without one."""
    found = json.loads(stdout)["mappings"] if stdout.strip() else []
    return found[0] if found else {}


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    # An incremental run moves everything that is new, so missed nights need no runs of their own.
    catchup=False,
    max_active_runs=1,
    tags=["bqsync"],
)
def bqsync():
    BqsyncRun.partial(
        task_id="sync",
        retries=2,
        retry_delay=timedelta(minutes=5),
        max_active_tis_per_dagrun=4,
        map_index_template="{{ task.mapping }}",
    ).expand(mapping=mappings())


bqsync()
