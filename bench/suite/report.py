"""What was measured: on the screen, as JSON, and as Markdown for RESULTS.md."""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess

from suite.outcome import PARTITIONS, PLAIN, STREAM
from suite.place import HOME, ROOT, sql
from suite.yardsticks import REQUIREMENTS

HEADINGS = ["", "rows/s", "MB/s", "wall s", "CPU s", "peak MB", "x plain", "x connectorx"]
TOLD = ("connectorx", "pyarrow", "dlt")


def lines(outcome):
    """A line for each contender; the ratios are of speed, to the plain read and to the faster connectorx."""
    walls = {contender.name: contender.median("wall") for contender in outcome.contenders}
    fastest = min(walls[PARTITIONS], walls[STREAM])
    for contender in outcome.contenders:
        wall = walls[contender.name]
        yield [contender.name, f"{outcome.rows / wall:,.0f}", f"{outcome.size / wall / 1e6:.1f}", f"{wall:.2f}",
               f"{contender.median('cpu'):.2f}", f"{contender.peak:.0f}",
               f"{walls[PLAIN] / wall:.2f}" if PLAIN in walls else "", f"{fastest / wall:.2f}"]


def show(outcome):
    print(f"\n{outcome.name}: {outcome.about}; {outcome.size / 1e6:,.1f} MB {outcome.form}\n")
    for name, *figures in [HEADINGS, *lines(outcome)]:
        print(f"{name:<32}" + "".join(f"{figure:>13}" for figure in figures))
    for heading, text in outcome.notes.items():
        print(f"\n{heading}:")
        print("\n".join(f"  {line}" for line in text), flush=True)


def markdown(outcome):
    yield f"### {outcome.name}: {outcome.about}\n"
    yield f"{outcome.size / 1e6:,.1f} MB {outcome.form}.\n"
    yield "| " + " | ".join(HEADINGS) + " |"
    yield "|---" + "|---:" * (len(HEADINGS) - 1) + "|"
    for line in lines(outcome):
        yield "| " + " | ".join(line) + " |"
    for heading, text in outcome.notes.items():
        yield f"\n{heading}:\n"
        yield from (f"    {line}" for line in text)
    yield ""


def circumstances(rounds, scale):
    """When, where and with what."""
    def said(*command):
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()

    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="utf-8"))[1]
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    emulator = pinned(ROOT / "dev" / "requirements.txt")["local-bigquery"]
    yardsticks = pinned(REQUIREMENTS)
    return {
        "date": datetime.date.today().isoformat(), "commit": said("git", "rev-parse", "--short", "HEAD"),
        "rounds": rounds, "scale": scale, "readers": os.environ.get("BENCH_READERS"),
        "machine": f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {int(memory) / 1e6:.0f} GB, "
                   f"{platform.freedesktop_os_release()['PRETTY_NAME']}",
        "versions": {"rustc": said("rustc", "--version").split()[1], "server": sql("SELECT VERSION()")[0][0],
                     "local-bigquery": emulator, **{name: yardsticks[name] for name in TOLD}},
    }


def pinned(requirements):
    found = re.findall(r"^([\w.-]+)==(\S+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    return dict(found)


def write(outcomes, about):
    """results.json for programs, results.md to be pasted."""
    figures = ("wall", "cpu", "rss")
    cases = [{
        "case": outcome.name, "about": outcome.about, "rows": outcome.rows, "bytes": outcome.size,
        "contenders": [{"name": each.name, **{figure: [getattr(run, figure) for run in each.runs]
                                              for figure in figures}} for each in outcome.contenders],
        "notes": outcome.notes,
    } for outcome in outcomes]
    (HOME / "results.json").write_text(json.dumps({**about, "cases": cases}, indent=1), encoding="utf-8")
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    head = [f"{about['date']}, commit {about['commit']}: {about['machine']}; {versions}; medians of {about['rounds']} "
            f"rounds" + (f"; {about['readers']} readers" if about["readers"] else "")
            + (f"; TABLES {about['scale']} TIMES SMALLER" if about["scale"] > 1 else "") + ".", ""]
    text = "\n".join(head + [line for outcome in outcomes for line in markdown(outcome)])
    (HOME / "results.md").write_text(text, encoding="utf-8")
