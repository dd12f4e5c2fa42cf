"""dlt moves one table into the emulator: connectorx into Arrow, Parquet load job, MERGE on the primary key.

Run in the yardsticks' own venv, as TABLE KEY CURSOR DATASET DIRECTORY. Google's client library takes
BIGQUERY_EMULATOR_HOST, with a scheme; dlt insists on a service account, which is made to stand for no credentials.
"""

import json
import os
import sys

import dlt
from dlt.common.configuration.specs import GcpServiceAccountCredentials
from dlt.destinations import bigquery
from dlt.sources.sql_database import sql_table
from google.auth.credentials import AnonymousCredentials


def main():
    table, key, cursor, dataset, directory = sys.argv[1:]
    project = os.environ["GCP_PROJECT_ID"]
    place = (f"{os.environ['MYSQL_USER']}@{os.environ['MYSQL_HOST']}:{os.environ['MYSQL_PORT']}/"
             f"{os.environ['MYSQL_DATABASE']}")
    GcpServiceAccountCredentials.to_native_credentials = lambda _: AnonymousCredentials()
    credentials = {"project_id": project, "client_email": "nobody@example.com", "private_key": "none"}
    pipeline = dlt.pipeline("bench", pipelines_dir=directory, dataset_name=dataset,
                            destination=bigquery(credentials=credentials, project_id=project))
    # Streamed: whole, the table would lie in memory.
    rows = sql_table(f"mysql+pymysql://{place}", table=table, backend="connectorx", chunk_size=100_000,
                     backend_kwargs={"return_type": "arrow_stream", "conn": f"mysql://{place}"},
                     reflection_level="full", incremental=dlt.sources.incremental(cursor), primary_key=key,
                     write_disposition={"disposition": "merge", "strategy": "upsert"})
    pipeline.run(rows, loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    print(json.dumps({"rows": counts[table]}))


if __name__ == "__main__":
    main()
