"""What we are compared with: a plain read, connectorx with pyarrow, dlt. The Python ones live in a venv of their own."""

import functools
import json
import os
import shutil
import subprocess

from suite.place import DATABASE, HOME, ROOT, environment, fresh_directory, mariadb

REQUIREMENTS = ROOT / "bench" / "requirements.txt"
SCRIPTS = ROOT / "bench" / "yardsticks"


@functools.cache
def python():
    """The venv's interpreter; the venv is made at first use and again when the pinned versions change."""
    venv, stamp = HOME / "venv", HOME / "venv" / "installed.txt"
    if not stamp.exists() or stamp.read_bytes() != REQUIREMENTS.read_bytes():
        print("installing the yardsticks into .dev/bench/venv (half a minute, 700 MB) ...", flush=True)
        # The emulator's interpreter is the one that dev/install has found fit.
        subprocess.run([ROOT / ".dev" / "venv" / "bin" / "python", "-m", "venv", "--clear", venv], check=True)
        subprocess.run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "-r", REQUIREMENTS], check=True)
        shutil.copy(REQUIREMENTS, stamp)
    return str(venv / "bin" / "python")


def plain(queries):
    """MariaDB's client, unbuffered; what it writes is thrown away."""
    return mariadb("--quick", "--batch", DATABASE, "-e", ";".join(queries)), environment()


def connectorx(variant, queries):
    """`partitions`: two connections, the result held whole; `stream`: batches over one."""
    return [python(), str(SCRIPTS / "connectorx_parquet.py"), variant, "id", *queries], environment()


def dlt(table, dataset):
    """The whole way into the emulator, as an upsert."""
    env = environment(
        # Google's library wants a scheme there.
        BIGQUERY_EMULATOR_HOST=f"http://{os.environ['BIGQUERY_EMULATOR_HOST']}",
        # The emulator does not read the gzipped JSON of dlt's own small tables; Parquet is not concerned.
        NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION="true",
        RUNTIME__DLTHUB_TELEMETRY="false",
    )
    home = fresh_directory(dataset)
    return [python(), str(SCRIPTS / "dlt_upsert.py"), table.name, "id", "updated_at", dataset, str(home)], env


def rows(run):
    return json.loads(run.output.splitlines()[-1])["rows"]
