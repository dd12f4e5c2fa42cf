"""How a run gets at its rows: the statements that it really sends, their EXPLAIN, and the rows that the server reads."""

from suite.place import DATABASE, sql

NONE = "NULL"


def watched(run, table):
    """Runs, with the server's log switched on; gives headings and lines."""
    sql("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
    asking = handler_reads()
    # The number that the counting itself adds.
    itself = difference(asking, handler_reads())
    before = handler_reads()
    run()
    after = handler_reads()
    sql("SET GLOBAL general_log = OFF")
    reads = {name: count - itself.get(name, 0) for name, count in difference(before, after).items()}
    return {
        "EXPLAIN of what was sent": [line for text in statements(table) for line in explained(text)],
        "Rows examined (Handler_read_* of the whole run)": [f"{count:>9,}  {name}" for name, count in reads.items() if count],
    }


# Words by which a statement's kind is recognised, in this order.
KINDS = {
    "of the fence": ("innodb_trx", "metadata_locks", "processlist", "innodb status", "xa recover"),
    "below the watermark": ("sum(crc32(",),
    "of descriptions": ("information_schema", "show "),
}


def statements_of(run):
    """Runs, with the server's log switched on; gives how many statements of each kind were sent."""
    sql("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
    run()
    sql("SET GLOBAL general_log = OFF")
    texts = [row[0].lower() for row in sql("SELECT REPLACE(argument, CHAR(10), ' ') FROM mysql.general_log WHERE "
                                           "command_type IN ('Execute', 'Query')", "--raw")]
    counted = dict.fromkeys([*KINDS, "others"], 0)
    for text in texts:
        counted[next((kind for kind, words in KINDS.items() if any(word in text for word in words)), "others")] += 1
    return counted


def statements(table):
    """Each SELECT of the table, with the values it was executed with."""
    logged = sql("SELECT argument FROM mysql.general_log WHERE command_type IN ('Execute', 'Query') "
                 f"AND argument LIKE '%FROM `{table}`%' ORDER BY event_time", "--raw")
    return list(dict.fromkeys(row[0] for row in logged if row[0].startswith("SELECT")))


def explained(text):
    plan = [dict(zip(("id", "select", "table", "type", "possible", "key", "length", "ref", "rows", "extra"), row))
            for row in sql(f"EXPLAIN {text}", DATABASE)]
    yield f"{shortened(text)}"
    for step in plan:
        if step["table"] == NONE:
            yield f"    no table is read ({step['extra']})"
        else:
            yield f"    type {step['type']}, key {step['key']}, rows {step['rows']}, {step['extra']}"
        if step["type"] == "ALL":
            yield "    FULL SCAN"


def shortened(text):
    """Without the list of columns, which is long and says nothing here."""
    columns, rest = text.split(" FROM ", 1)
    return f"{columns if len(columns) < 60 else 'SELECT ...'} FROM {rest}"


def handler_reads():
    return {name: int(count) for name, count in sql("SHOW GLOBAL STATUS LIKE 'Handler_read%'")}


def difference(before, after):
    return {name: after[name] - before[name] for name in after}
