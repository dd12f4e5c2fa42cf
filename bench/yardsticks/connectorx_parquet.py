"""connectorx reads a query into Arrow, pyarrow writes it as zstd Parquet into a sink that counts.

Run in the yardsticks' own venv. The variants are those that connectorx's documentation recommends: `partitions` holds
the whole result and reads it over two connections, `stream` hands batches out over one.
"""

import json
import os
import sys

import connectorx as cx
import pyarrow as pa
import pyarrow.parquet as pq

# What bqsync writes with: the same level, batches of the same size, dictionaries where they pay.
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

    def writable(self):
        return True

    readable = seekable = lambda self: False


def read(variant, query, key):
    address = f"mysql://{os.environ['MYSQL_USER']}@{os.environ['MYSQL_HOST']}:{os.environ['MYSQL_PORT']}/" \
              f"{os.environ['MYSQL_DATABASE']}"
    if variant == "stream":
        return cx.read_sql(address, query, return_type="arrow_stream", batch_size=BATCH_ROWS)
    if variant == "partitions":
        return cx.read_sql(address, query, return_type="arrow", partition_on=key, partition_num=2)
    return sys.exit(f"no such variant: {variant}")


def main():
    variant, key, *queries = sys.argv[1:]
    rows, size = 0, 0
    for query in queries:
        sink = Counting()
        result = read(variant, query, key)
        with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), result.schema, compression="zstd", compression_level=LEVEL,
                              use_dictionary=False, write_statistics=False) as writer:
            # A row group for each batch would be small; a stream is gathered into groups as bqsync's are.
            waiting = []
            for batch in result if variant == "stream" else [result]:
                rows += batch.num_rows
                waiting.append(batch)
                if variant != "stream" or sum(each.num_rows for each in waiting) >= GROUP_ROWS:
                    write(writer, waiting)
                    waiting = []
            write(writer, waiting)
        size += sink.size
    print(json.dumps({"rows": rows, "parquet_bytes": size}))


def write(writer, waiting):
    if waiting:
        tables = [each if isinstance(each, pa.Table) else pa.Table.from_batches([each]) for each in waiting]
        writer.write_table(pa.concat_tables(tables), row_group_size=GROUP_ROWS)


if __name__ == "__main__":
    main()
