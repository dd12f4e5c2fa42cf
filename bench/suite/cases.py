"""The cases: which rows are moved, by whom, and what else is looked at on the way."""

import json
import statistics
import sys

from suite import access, elsewhere, yardsticks
from suite.api_calls import CountingProxy
from suite.contest import Contender, contest
from suite.measure import KEPT, measure
from suite.outcome import PARTITIONS, PLAIN, STREAM, Outcome
from suite.place import DATABASE, drop_dataset, rows_in_bigquery, sql
from suite.programs import Setup, records
from suite.tables import by_case, fill


def reads(queries):
    """The yardsticks that read, into nothing and into Parquet."""
    def connectorx(variant):
        return lambda turn: yardsticks.connectorx(variant, queries())

    return [
        Contender(PLAIN, lambda turn: yardsticks.plain(queries())),
        Contender(PARTITIONS, connectorx("partitions"), yardsticks.rows),
        Contender(STREAM, connectorx("stream"), yardsticks.rows),
    ]


def first_load(case, tables):
    """A whole sync of tables that BigQuery does not have yet; each round begins anew."""
    def after(turn):
        arrived = sum(rows_in_bigquery(f"{case}_{turn}", table.name) for table in tables)
        wanted = sum(table.rows for table in tables)
        if arrived != wanted:
            sys.exit(f"bench: {arrived:,} of {wanted:,} rows are in BigQuery")
        drop_dataset(f"{case}_{turn}")

    return Contender("bqsync, whole upsert", lambda turn: Setup(f"{case}_{turn}", tables).sync(), records, after,
                     warms=False)


def replace(case, table):
    """A whole replace: the first round loads the table, each later one puts another in its place."""
    setup = Setup(f"{case}_replace", [table], mode="replace")
    return Contender("bqsync, whole replace", lambda turn: setup.sync(), records)


def one_table(case, about, table, rounds, with_dlt=False):
    """Extraction and a first load of one table."""
    fill([table])
    extraction = Setup(f"{case}_extract", [table])
    contenders = [
        *reads(lambda: [table.query]),
        Contender("bqsync into staged Parquet", lambda turn: extraction.extract(), yardsticks.rows),
        replace(case, table),
        first_load(case, [table]),
    ]
    if with_dlt:
        contenders.append(dlt(case, table))
    contest(contenders, table.rows, rounds)
    told = json.loads(contenders[3].runs[0].output)
    notes = {"Size": [f"{told['bytes'] / 1e6:,.0f} MB of values, {told['parquet_bytes'] / 1e6:,.0f} MB of Parquet"]}
    if with_dlt:
        ours, theirs = contenders[-2], contenders[-1]
        notes["Against dlt"] = [f"{theirs.median(figure) / ours.median(figure):.2f} times {words}" for figure, words in (
            ("wall", "as fast"), ("cpu", "less of the processor"), ("rss", "less memory"))]
    return Outcome(case, about, table.rows, contenders[0].runs[0].size, contenders, notes)


def dlt(case, table):
    def after(turn):
        arrived = rows_in_bigquery(f"{case}_dlt_{turn}", table.name)
        if arrived != table.rows:
            sys.exit(f"bench: dlt brought {arrived:,} of {table.rows:,} rows")
        drop_dataset(f"{case}_dlt_{turn}")
        drop_dataset(f"{case}_dlt_{turn}_staging")

    return Contender("dlt (connectorx), whole upsert", lambda turn: yardsticks.dlt(table, f"{case}_dlt_{turn}"),
                     yardsticks.rows, after, warms=False)


def small(case, about, tables, rounds):
    """Many small tables in one run, and the calls that it makes to BigQuery."""
    fill(tables)
    rows = sum(table.rows for table in tables)
    contenders = [*reads(lambda: [table.query for table in tables]), first_load(case, tables)]
    contest(contenders, rows, rounds)
    return Outcome(case, about, rows, contenders[0].runs[0].size, contenders, calls_of(case, tables, rounds))


def calls_of(case, tables, rounds):
    """Calls of a first load, of runs with ten changed rows in each table, and of one with nothing new."""
    setup = Setup(f"{case}_calls", tables)
    notes = {}

    def counted(heading, way):
        with CountingProxy() as proxy:
            run = measure(*way.sync(BIGQUERY_EMULATOR_HOST=proxy.address))
        notes[f"Calls per mapping: {heading}"] = [*proxy.told(len(tables)), f"{run.wall:.1f} s"]

    def change():
        sql("".join(f"UPDATE {table.name} SET updated_at = NOW(6) WHERE id <= 10;" for table in tables), DATABASE)

    counted("a first load", setup)
    staged = setup.like("staged", {"inline_rows": 0})
    change()
    counted("ten changed rows each, staged", staged)
    # It continues from its own state: it looks at the other's rows and moves them once more.
    change()
    measure(*setup.sync())
    change()
    counted("ten changed rows each", setup)
    counted("nothing new", setup)
    notes["Runs with nothing new: what looking costs"] = list(looking(setup, rounds))
    drop_dataset(setup.dataset)
    return notes


def looking(setup, rounds):
    """Runs with nothing new, with the look below the watermark and without it, in turn; and what a run asks of the server."""
    ways = {"as it is": setup.like("as_it_is"), "lookback: 0": setup.like("no_tail", lookback=0)}
    runs = {words: [] for words in ways}
    for turn in range(rounds + 1):
        for words, way in ways.items():
            run = measure(*way.sync(), keep=KEPT)
            if moved := records(run):
                sys.exit(f"bench: {moved:,} rows were moved although nothing is new")
            # The first one fills caches, and the state of each way.
            if turn > 0:
                runs[words].append(run)
    for words, way in ways.items():
        wall, cpu = (statistics.median(getattr(run, figure) for run in runs[words]) for figure in ("wall", "cpu"))
        asked = access.statements_of(lambda way=way: measure(*way.sync()))
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in asked.items())
        yield f"{words:<12} {wall:6.2f} s, {cpu:5.2f} s of processor; statements: {kinds}"


def estate(case, about, tables, rounds):
    """So many mappings that what each of them costs by itself is what there is: runs with nothing new, status and check."""
    rows = sum(table.rows for table in tables)
    fill(tables)
    setup = Setup(case, tables)
    print("loading them into BigQuery once, which takes the emulator long ...", flush=True)
    measure(*setup.sync())

    def every(words, command, told):
        return Contender(words, lambda turn: command(), told, warms=False)

    def nothing(run):
        if moved := records(run):
            sys.exit(f"bench: {moved:,} rows were moved although nothing is new")
        return rows

    contenders = [
        *reads(lambda: [table.query for table in tables]),
        every("bqsync, nothing new", setup.sync, nothing),
        every("bqsync status", lambda: setup.told("status"), lambda run: rows),
        every("bqsync check", lambda: setup.told("check"), lambda run: rows),
    ]
    contest(contenders, rows, rounds)
    notes = {}
    for words, command in ("nothing new", setup.sync), ("status", lambda: setup.told("status")), ("check", lambda: setup.told("check")):
        with CountingProxy() as proxy:
            program, env = command()
            asked = access.statements_of(lambda program=program, env=env, proxy=proxy: measure(
                program, env | {"BIGQUERY_EMULATOR_HOST": proxy.address}))
            kinds = [f"{count / len(tables):7.2f}  statements {kind} ({count:,})" for kind, count in asked.items() if count]
            notes[f"Asked per mapping: {words}"] = [*kinds, *(f"{line} to BigQuery" for line in proxy.told(len(tables)))]
    drop_dataset(setup.dataset)
    return Outcome(case, about, rows, contenders[0].runs[0].size, contenders, notes)


def incremental(case, about, table, rounds):
    """One row in 200 changes before each round; only those are moved."""
    fill([table])
    setup = Setup(case, [table])
    print("loading it into BigQuery once ...", flush=True)
    measure(*setup.sync())
    changed, since = table.rows // 200, None

    def change(turn):
        nonlocal since
        since = sql(f"SELECT MAX(updated_at) FROM {table.name}", DATABASE)[0][0]
        sql(f"UPDATE {table.name} SET amount = amount + 1, updated_at = NOW(6) WHERE id % 200 = {turn}", DATABASE)

    contenders = [
        *reads(lambda: [f"{table.query} WHERE updated_at > '{since}'"]),
        Contender("bqsync, whole upsert", lambda turn: setup.sync(), records),
    ]
    contest(contenders, changed, rounds, before=change)
    # Once more in detail: the statements that are sent, and what they cost the server.
    change(rounds + 1)
    seen = access.watched(lambda: measure(*setup.sync()), table.name)
    drop_dataset(setup.dataset)
    return Outcome(case, about, changed, contenders[0].runs[0].size, contenders, seen)


def mirror(case, about, table, rounds):
    """A mirror's runs, in turn: nothing has changed, and so many rows all over the table have, without a stamp of it."""
    fill([table])
    setup = Setup(case, [table], mode="mirror")
    print("loading it into BigQuery once ...", flush=True)
    first = measure(*setup.sync())
    every = max(table.rows // 1_000, 1)
    changed = table.rows // every

    def all_of(wanted):
        """Figures are of the table's rows, which are all looked at."""
        return lambda run: table.rows if records(run) == wanted else records(run)

    def change(turn, **env):
        sql(f"UPDATE {table.name} SET amount = amount + 1, updated_at = updated_at WHERE id % {every} = {turn}", DATABASE)
        return setup.sync(**env)

    contenders = [
        *reads(lambda: [table.query]),
        Contender("bqsync, mirror, nothing changed", lambda turn: setup.sync(), all_of(0)),
        Contender(f"bqsync, mirror, {changed:,} changed", change, all_of(changed)),
    ]
    contest(contenders, table.rows, rounds)
    notes = {"The first run": [f"{first.wall:.2f} s, {first.rss:.0f} MB"]}
    for heading, way in ("nothing changed", setup.sync), (f"{changed:,} changed", lambda **env: change(rounds + 1, **env)):
        with CountingProxy() as proxy:
            measure(*way(BIGQUERY_EMULATOR_HOST=proxy.address))
        notes[f"Calls: {heading}"] = list(proxy.told(1))
    drop_dataset(setup.dataset)
    return Outcome(case, about, table.rows, contenders[0].runs[0].size, contenders, notes)


def all_cases(rounds, scale):
    """The suite, by name; a case brings one outcome, or several."""
    tables = by_case(scale)
    (wide,), (narrow,), (text,) = tables["wide"], tables["narrow"], tables["text"]
    (changing,), (first,), many = tables["incremental"], tables["first"], tables["small"]
    (mirrored,), idle = tables["mirror"], tables["many"]

    def one(case, *arguments, **more):
        yield case(*arguments, rounds, **more)

    return {
        "wide": lambda: one(one_table, "wide", f"{wide.rows:,} rows of 12 mixed columns", wide, with_dlt=True),
        "narrow": lambda: one(one_table, "narrow", f"{narrow.rows:,} rows of 3 columns", narrow),
        "text": lambda: one(one_table, "text", f"{text.rows:,} rows of 2 kB of text", text),
        "small": lambda: one(small, "small", f"{len(many)} mappings of {many[0].rows:,} rows", many),
        "incremental": lambda: one(
            incremental, "incremental", f"{changing.rows // 200:,} changed rows in {changing.rows:,}", changing),
        "mirror": lambda: one(mirror, "mirror", f"{mirrored.rows:,} rows of 12 mixed columns, mirrored", mirrored),
        "many": lambda: one(estate, "many", f"{len(idle):,} mappings of two rows, of which nothing is new", idle),
        "first": lambda: one(one_table, "first", f"a first load of {first.rows:,} rows of 3 columns", first),
        "elsewhere": lambda: elsewhere.every((wide, narrow, text), rounds),
    }
