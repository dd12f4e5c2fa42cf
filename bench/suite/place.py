"""Where things are: the repository, the bench's directory, the servers that dev/servers has started."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOME = ROOT / ".dev" / "bench"
WORK = HOME / "work"
DATABASE = "bench"
PROJECT = "demo"


def environment(**more):
    """What every contender sees; none of them is to spend time on TLS."""
    return {**os.environ, "MYSQL_DATABASE": DATABASE, "MYSQL_SSL_MODE": "disabled",
            "BQSYNC_LOG_DIR": str(WORK / "logs"), **more}


def fresh_directory(name):
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def mariadb(*arguments):
    """The command of MariaDB's own client on this run's server."""
    return ["mariadb", "--no-defaults", "-h", os.environ["MYSQL_HOST"], "-P", os.environ["MYSQL_PORT"], "-u",
            os.environ["MYSQL_USER"], "--default-character-set=utf8mb4", "--skip-ssl", *arguments]


def sql(statements, *arguments):
    """Runs statements; gives the rows as lists of text."""
    done = subprocess.run(mariadb("--batch", "--skip-column-names", *arguments), input=statements, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: MariaDB says: {done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def bigquery(method, path, body=None):
    """A call to the emulator; nothing where it does not know what is asked for."""
    url = f"http://{os.environ['BIGQUERY_EMULATOR_HOST']}/bigquery/v2/projects/{PROJECT}/{path}"
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        return sys.exit(f"bench: the emulator says: {error.read().decode(errors='replace')}")


def rows_in_bigquery(dataset, table):
    query = {"query": f"SELECT COUNT(*) FROM `{PROJECT}`.`{dataset}`.`{table}`", "useLegacySql": False}
    answer = bigquery("POST", "queries", query)
    return int(answer["rows"][0]["f"][0]["v"]) if answer else 0


def drop_dataset(dataset):
    bigquery("DELETE", f"datasets/{dataset}?deleteContents=true")
