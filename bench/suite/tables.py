"""The tables that are moved, and how they get into MariaDB."""

import dataclasses

from suite.place import DATABASE, ROOT, sql


@dataclasses.dataclass(frozen=True)
class Table:
    """All have a key `id` and an indexed `updated_at`."""

    name: str
    script: str
    rows: int

    def make(self):
        script = (ROOT / "bench" / "sql" / self.script).read_text(encoding="utf-8")
        script = script.replace("@TABLE@", self.name).replace("@ROWS@", str(self.rows))
        sql(f"DROP TABLE IF EXISTS {self.name};\n{script}", DATABASE)

    def counted(self):
        return int(sql(f"SELECT COUNT(*) FROM {self.name}", DATABASE)[0][0])

    @property
    def query(self):
        return f"SELECT * FROM {self.name}"

    @property
    def mapping(self):
        return {"name": self.name, "mysql_table": self.name, "bigquery_table": self.name, "primary_keys": ["id"],
                "incremental_column": "updated_at", "mode": "upsert"}


def fill(tables):
    """Makes the tables that are missing, and those of another size anew."""
    sql(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    there = {row[0] for row in sql(f"SELECT table_name FROM information_schema.tables WHERE table_schema='{DATABASE}'")}
    missing = [table for table in tables if table.name not in there or table.counted() != table.rows]
    if missing:
        names = missing[0].name if len(missing) == 1 else f"{missing[0].name} to {missing[-1].name}"
        print(f"filling {names} ({missing[0].rows:,} rows) ...", flush=True)
    for table in missing:
        table.make()


def by_case(scale):
    """What each case moves; every table, and the number of the small ones, `scale` times smaller."""
    def table(name, script, rows):
        return Table(name, script, max(rows // scale, 200))

    return {
        "wide": [table("orders", "wide.sql", 2_000_000)],
        "narrow": [table("readings", "narrow.sql", 5_000_000)],
        "text": [table("documents", "text.sql", 500_000)],
        "small": [table(f"small_{n:03}", "small.sql", 1_000) for n in range(max(200 // scale, 4))],
        "incremental": [table("changing", "wide.sql", 2_000_000)],
        "mirror": [table("mirrored", "wide.sql", 2_000_000)],
        "many": [Table(f"many_{n:04}", "small.sql", 2) for n in range(max(1000 // scale, 4))],
        "first": [table("history", "narrow.sql", 10_000_000)],
    }
