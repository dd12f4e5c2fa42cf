"""connectorx reads queries into Arrow, pyarrow writes each result as zstd Parquet into a sink that counts.

Run in the yardsticks' own venv, as VARIANT KEY QUERY... The variants are the two that connectorx is quick with:
`partitions` reads over two connections and holds the whole result, `stream` hands out batches read over one.
"""

import json
import os
import sys

import connectorx as cx
import pyarrow as pa
import pyarrow.parquet as pq

# As bqsync writes: the level, the rows of a batch and those of a row group, no dictionaries, no statistics.
LEVEL, BATCH_ROWS, GROUP_ROWS = 1, 16_384, 131_072


class Counting:
    """Counts what a file would hold."""

    closed = False

    def __init__(self):
        self.size = 0

    def write(self, data):
        self.size += len(data)
        return len(data)

    def tell(self):
        return self.size

    def flush(self):
        pass

    def close(self):
        self.closed = True


def partitions(address, key, query):
    result = cx.read_sql(address, query, return_type="arrow", partition_on=key, partition_num=2)
    return result.schema, [result]


def stream(address, _key, query):
    result = cx.read_sql(address, query, return_type="arrow_stream", batch_size=BATCH_ROWS)
    return result.schema, gathered(result)


def gathered(batches):
    """As tables of a row group's size: one for each batch would be small."""
    waiting, rows = [], 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)


def main():
    variant, key, *queries = sys.argv[1:]
    read = {"partitions": partitions, "stream": stream}[variant]
    # Its MySQL client would leave for the server's Unix socket where the server is near: everybody reads by TCP.
    address = (f"mysql://{os.environ['MYSQL_USER']}@{os.environ['MYSQL_HOST']}:{os.environ['MYSQL_PORT']}/"
               f"{os.environ['MYSQL_DATABASE']}?prefer_socket=false")
    rows, size = 0, 0
    for query in queries:
        sink = Counting()
        schema, tables = read(address, key, query)
        with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd", compression_level=LEVEL,
                              use_dictionary=False, write_statistics=False) as writer:
            for table in tables:
                rows += table.num_rows
                writer.write_table(table, row_group_size=GROUP_ROWS)
        size += sink.size
    print(json.dumps({"rows": rows, "parquet_bytes": size}))


if __name__ == "__main__":
    main()
