"""The peers of `bench.intake`; run by the peers' own Python, so nothing of ours is imported here.

`python _intake_peers.py WAY FOLDER`: one dlt pipeline into PostgreSQL, its working folder in FOLDER. Settings follow
dlt's pages on performance: no row-by-row inserts (csv or parquet files, the latter through ADBC), large buffers, two
normalising processes with files rotated so that both have work, several loading threads.
"""

# mypy: ignore-errors
from __future__ import annotations

import json
import os
import sys

FILE_ROWS = 100_000

os.environ.update(
    RUNTIME__DLTHUB_TELEMETRY="false", RUNTIME__LOG_LEVEL="ERROR",
    DATA_WRITER__BUFFER_MAX_ITEMS="50000", EXTRACT__DATA_WRITER__FILE_MAX_ITEMS=str(FILE_ROWS),
    NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS=str(FILE_ROWS), NORMALIZE__WORKERS="2", NORMALIZE__START_METHOD="spawn",
    LOAD__WORKERS="4",
)  # fmt: skip


def rest():
    """dlt's REST source over the same pages."""
    from dlt.sources.rest_api import rest_api_source

    return rest_api_source(
        {
            "client": {
                "base_url": os.environ["BENCH_HTTP"],
                "paginator": {
                    "type": "page_number",
                    "base_page": 1,
                    "page_param": "pageNum",
                    "total_path": "totalPage",
                },
            },
            "resources": [{"name": "records", "endpoint": {"path": "gateway", "data_selector": "datas"}}],
        }
    )


def json_arrow():
    """The same pages as Arrow tables."""
    import dlt
    import orjson
    import pyarrow as pa
    import requests

    @dlt.resource(name="records")
    def pages():
        with requests.Session() as session:
            number = last = 1
            while number <= last:
                answer = orjson.loads(session.get(f"{os.environ['BENCH_HTTP']}/gateway?pageNum={number}").content)
                last = answer["totalPage"]
                yield pa.Table.from_pylist(answer["datas"])
                number += 1

    return pages


def csv_arrow():
    """The file over SFTP (fsspec, paramiko), parsed by pyarrow with every column as text."""
    import dlt
    import pyarrow as pa
    from fsspec.implementations.sftp import SFTPFileSystem
    from pyarrow import csv

    @dlt.resource(name="records")
    def batches():
        from urllib.parse import urlsplit

        parts = urlsplit(os.environ["BENCH_SFTP"])
        drop = SFTPFileSystem(parts.hostname, port=parts.port, username=parts.username, password=parts.password)
        name = next(path for path in drop.ls("/", detail=False) if path.endswith(".csv"))
        with drop.open(name, "rb", block_size=4 << 20) as file:
            file.prefetch()
            header = file.readline().decode("gb18030").strip().split(",")
            options = csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()))
            reading = csv.ReadOptions(encoding="gb18030", block_size=8 << 20, column_names=header)
            for batch in csv.open_csv(file, read_options=reading, convert_options=options):
                yield pa.Table.from_batches([batch])

    return batches


def sql(backend):
    """The table by one of dlt's backends."""
    from dlt.sources.sql_database import sql_table

    address = os.environ["BENCH_SQL"].replace("postgresql://", "postgresql+psycopg2://")
    extra = {"backend_kwargs": {"conn": os.environ["BENCH_SQL"]}} if backend == "connectorx" else {}
    return sql_table(address, table="records", backend=backend, chunk_size=50_000, **extra)


WAYS = {
    "dlt-rest": (rest, "csv"),
    "dlt-arrow": (json_arrow, "parquet"),
    "dlt-csv-arrow": (csv_arrow, "parquet"),
    "dlt-sql-connectorx": (lambda: sql("connectorx"), "parquet"),
    "dlt-sql-pyarrow": (lambda: sql("pyarrow"), "parquet"),
}


def main():
    import dlt

    made, file_format = WAYS[sys.argv[1]]
    pipeline = dlt.pipeline(
        pipeline_name="bench", pipelines_dir=sys.argv[2], dataset_name="bench_peer",
        destination=dlt.destinations.postgres(os.environ["BENCH_WAREHOUSE"]),
    )  # fmt: skip
    pipeline.run(made(), write_disposition="append", loader_file_format=file_format)
    with pipeline.sql_client() as client:
        print(json.dumps({"landed": client.execute_sql("SELECT count(*) FROM records")[0][0]}))


if __name__ == "__main__":
    main()
