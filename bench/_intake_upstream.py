"""Preparing and serving what `bench.intake` measures: the register's bytes, its server, the tables it lands in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench._results import REPOSITORY
from warehouse import connection

PLAIN = "landing.bench_plain_copy"
SOURCE = "bench_source"
_TYPES = {
    "jd": "double precision", "wd": "double precision", "je": "numeric(18,2)", "rs": "bigint",
    "djrq": "date", "sbsj": "timestamp", "gxsj": "timestamp",
}  # fmt: skip


def own(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def served(shape: str, rows: int) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folder of prepared bytes, and the environment in which every way finds source and warehouse."""
    with tempfile.TemporaryDirectory(prefix="townhub-intake-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        environment = {
            "BENCH_WAREHOUSE": connection.url(), "BENCH_SQL": connection.url(SOURCE), "BENCH_KEY": "bench",
        }  # fmt: skip
        subprocess.run(
            own("bench._intake_upstream", "prepare", shape, str(rows), name), check=True, cwd=REPOSITORY,
            env=os.environ | environment,
        )  # fmt: skip
        server = subprocess.Popen(
            own("bench._intake_server", name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
        )
        try:
            assert server.stdout is not None and server.stdin is not None
            environment |= json.loads(server.stdout.readline())
            yield folder, environment
        finally:
            server.stdin.close()  # type: ignore[union-attr]
            server.wait()


def touched(shape: str, folder: Path) -> None:
    """The file comes again with a blank line more: the very same file would not even be fetched."""
    for path in (folder / "drop").glob("*.csv") if shape == "csv" else ():
        with path.open("ab") as file:
            file.write(b"\r\n")  # a blank line is no record


def emptied(shape: str) -> None:
    """Nothing landed, nothing remembered, and the server at rest: no round pays for another's checkpoint."""
    with psycopg.connect(connection.url(), autocommit=True) as conn:
        conn.execute(f"DROP INDEX IF EXISTS landing.bench_{shape}__records_current".encode())
        conn.execute(f"TRUNCATE landing.bench_{shape}__records, {PLAIN}".encode())
        conn.execute("DELETE FROM control.cursor WHERE system LIKE 'bench%'")
        conn.execute("DELETE FROM control.received WHERE system LIKE 'bench%'")
        conn.execute("DROP SCHEMA IF EXISTS bench_peer CASCADE")
        conn.execute("CHECKPOINT")


def prepare(shape: str, rows: int, folder: Path) -> None:
    """Everything that no way is charged for: pages, files, tables, and the encoded rows of the plain COPY."""
    from bench import _intake_rows as made
    from connectors.tables import ensure_tables, table_of

    contract, stream = made.contract_of(shape, folder)
    (folder / "drop").mkdir()
    if shape == "json":
        made.write_json(contract, stream, rows, folder / "json")
    elif shape == "csv":
        made.write_csv(contract, stream, rows, folder / "drop" / "records_1.csv")
    else:
        connection.ensure_database(SOURCE)
        columns = ", ".join(f"{c.physical_name} {_TYPES.get(c.physical_name, 'text')}" for c in stream.columns)
        with psycopg.connect(connection.url(SOURCE)) as conn:
            conn.execute(f"DROP TABLE IF EXISTS records; CREATE TABLE records ({columns})".encode())
            with conn.cursor().copy("COPY records FROM STDIN (FORMAT csv)") as copy:
                for chunk in made.chunks(contract, stream, rows):
                    copy.write(made.sql_text(chunk))
    order = made.encode_copy(contract, stream, rows, folder / "copy.bin")
    statement = f"COPY {PLAIN} ({', '.join(order)}) FROM STDIN (FORMAT BINARY)"
    (folder / "copy.json").write_text(json.dumps({"statement": statement, "rows": rows}))
    with connection.connect("loader") as conn:
        ensure_tables(conn, {contract.id: contract})
        conn.execute(f"DROP TABLE IF EXISTS {PLAIN}".encode())
        conn.execute(f"CREATE TABLE {PLAIN} (LIKE {table_of(stream).as_string()})".encode())
        conn.commit()


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    elif sys.argv[1] == "migrate":
        from warehouse import migrate

        migrate.upgrade()
    else:
        from warehouse import server

        server.stop(mode="immediate")
