"""Runs every mapping of a bqsync configuration as a task of its own, every night (Airflow 3).

Each worker needs the program, the configuration and the variables that reach MySQL and BigQuery; docs/deploy.md says where.
Tasks are independent: one that fails is tried again alone, and goes on from its mapping's watermark.
"""

import json
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import yaml
from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

PROGRAM = Path("/usr/local/bin/bqsync")
CONFIG = Path("/etc/bqsync/config.yaml")
# `.env`, reports and local state.
DIRECTORY = Path("/var/lib/bqsync")

# Exit codes (README.md) and kinds of error that trying again does not mend.
USAGE = 2
SCHEMA_DECISION = 3
STAYS = ("config", "schema", "data")


@task
def mappings() -> list[str]:
    """The names, read when the run begins: the file may have changed since the DAG was parsed."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    return [mapping["name"] for mapping in config["mappings"]]


@task(
    retries=2,
    retry_delay=timedelta(minutes=5),
    max_active_tis_per_dagrun=4,
    map_index_template="{{ task.op_kwargs['mapping'] }}",
)
def sync(mapping: str) -> dict:
    """One incremental run of one mapping. Its log lines go to the task's log, its figures to XCom."""
    command = [str(PROGRAM), "--config", str(CONFIG), "run-once", "--mapping", mapping, "--output", "json"]
    with subprocess.Popen(command, cwd=DIRECTORY, stdout=subprocess.PIPE, text=True) as run:
        try:
            stdout, _ = run.communicate()
        except BaseException:
            # The task was cleared or timed out: bqsync stops at its next safe point, within 5 seconds.
            run.terminate()
            raise
    if run.returncode == USAGE:
        raise AirflowFailException(f"{mapping}: the command line or the configuration is wrong; the log says where")
    report = reported(stdout)
    if run.returncode == SCHEMA_DECISION:
        raise AirflowFailException(f"{mapping}: waits for a decision: see `bqsync schema-diff --mapping {mapping}`")
    if run.returncode != 0:
        # The error itself stands in the log.
        kind, hint = report.get("error_kind"), report.get("hint")
        failed = AirflowFailException if kind in STAYS else AirflowException
        raise failed(f"{mapping}: exit code {run.returncode} ({kind}); next: {hint}")
    return {key: report[key] for key in ("mapping_name", "records_processed", "duration_seconds", "watermark_after")}


def reported(stdout: str) -> dict:
    """The mapping's part of the report; empty where the program ended without one."""
    found = json.loads(stdout)["mappings"] if stdout.strip() else []
    return found[0] if found else {}


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    # An incremental run moves all there is: nights that were missed need no runs of their own.
    catchup=False,
    max_active_runs=1,
    tags=["bqsync"],
)
def bqsync():
    sync.expand(mapping=mappings())


bqsync()
