"""How fast rows land: our whole path against PostgreSQL's own binary COPY of the very same rows.

`plain COPY` sends bytes that were encoded beforehand into a logged table with the same columns and no index, the
most that PostgreSQL itself does on this machine. `landing` takes pages of texts as a protocol gives them through
everything that the hub promises: contract, typing, keys and content hashes, COPY, index, ledger and cursor, in one
durable transaction. Rounds alternate, so that a busy machine is equally busy for both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import psycopg

from bench import _memory
from bench._results import write_result
from bench.sample import sample_page
from connectors import conform
from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contracts
from connectors.copy_binary import BinaryCopy
from connectors.intake import CHUNK_ROWS, run_stream
from connectors.interfaces import PROTOCOLS
from connectors.protocols.base import Page
from connectors.tables import ensure_tables, index_name, landing_columns, table_of
from connectors.versions import content_hashes, key_hashes
from warehouse import connection, migrate, server

SYSTEM, STREAM = "four_platform", "events"
PLAIN = "landing.bench_plain_copy"


@dataclass
class Round:
    """Seconds of one round; `steps` are those of the landing path."""

    plain: float
    landing: float
    steps: dict[str, float]


def measure(rows: int, rounds: int) -> list[Round]:
    """Land `rows` rows `rounds` times either way, in the warehouse that the environment names."""
    contract, stream = _contract()
    chunks = [
        sample_page(contract, stream, min(CHUNK_ROWS, rows - first), first=first)
        for first in range(0, rows, CHUNK_ROWS)
    ]
    _memory.PAGES[:] = [Page(chunk, bytes_in=int(chunk.estimated_size())) for chunk in chunks]
    columns, encoded = _encoded(contract, stream)
    with connection.connect("loader") as conn:
        ensure_tables(conn, {contract.id: contract})
        conn.execute(f"DROP TABLE IF EXISTS {PLAIN}".encode())
        conn.execute(f"CREATE TABLE {PLAIN} (LIKE {stream.landing_schema}.{stream.landing_table})".encode())
    done = []
    for number in range(rounds + 1):
        _emptied(stream)
        plain = _plain_copy(columns, encoded)
        _emptied(stream)
        started = time.perf_counter()
        result = run_stream(contract, stream, run_id="bench")
        spent = time.perf_counter() - started
        if (result.state, result.landed) != ("committed", rows):
            raise RuntimeError(f"only {result.landed} of {rows} rows landed ({result.state}): see the load's reasons")
        if number:  # the first round warms the caches
            done.append(Round(plain, spent, result.seconds))
    with connection.connect("loader") as conn:
        conn.execute(f"DROP TABLE {PLAIN}".encode())
    return done


def _contract() -> tuple[Contract, Stream]:
    contract = load_contracts()[SYSTEM]
    stream = contract.streams[STREAM]
    played = {
        name: replace(server, properties={"protocol": "memory", "crs": server.crs})
        for name, server in contract.servers.items()
    }
    PROTOCOLS["memory"] = "bench._memory"
    return replace(contract, servers=played), stream


def _encoded(contract: Contract, stream: Stream) -> tuple[list[str], list[bytes]]:
    """What our path would send, ready to be sent."""
    conformer, encoder = conform.Conformer(stream, contract.server_of(stream)), BinaryCopy()
    columns = [*landing_columns(stream), "_from_load", "_to_load"]
    encoded = []
    for page in _memory.PAGES:
        accepted = conformer(page.frame).accepted
        frame = accepted.with_columns(_from_load=pl.lit(0, pl.Int64), _to_load=pl.lit(None, pl.Int64)).select(columns)
        keys = key_hashes(conform.record_keys(accepted, stream))
        encoded.append(encoder.encode(frame, {"_key": keys, "_hash": content_hashes(accepted, stream)}))
    return [*columns, "_key", "_hash"], [*encoded, encoder.finish()]


def _plain_copy(columns: list[str], encoded: list[bytes]) -> float:
    with connection.connect("loader") as conn:
        started = time.perf_counter()
        with conn.cursor().copy(f"COPY {PLAIN} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
            for block in encoded:
                copy.write(block)
        conn.commit()
        return time.perf_counter() - started


def _emptied(stream: Stream) -> None:
    """Both tables as before a first landing, and the server at rest, so that no round pays for another's checkpoint.

    A stream's index is built at the end of its first landing; one left by the round before would be grown row by row.
    """
    with connection.connect("loader") as conn:
        conn.execute(
            psycopg.sql.SQL("DROP INDEX IF EXISTS {}").format(
                psycopg.sql.Identifier(stream.landing_schema, index_name(stream))
            )
        )
        conn.execute(psycopg.sql.SQL("TRUNCATE {}, " + PLAIN).format(table_of(stream)))
        conn.execute("DELETE FROM control.cursor WHERE system = %s AND stream = %s", [stream.system, stream.name])
    with psycopg.connect(connection.url(), autocommit=True) as conn:
        conn.execute("CHECKPOINT")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with _warehouse():
        rounds = measure(options.rows, options.rounds)
    plain = statistics.median(r.plain for r in rounds)
    landed = statistics.median(r.landing for r in rounds)
    ratio = statistics.median(r.plain / r.landing for r in rounds)
    steps = {name: statistics.median(r.steps.get(name, 0.0) for r in rounds) for name in rounds[0].steps}
    print(f"{options.rows:,} rows of {SYSTEM}.{STREAM}, medians of {len(rounds)} alternating rounds")
    print(f"{'plain COPY':<12}{plain:8.2f} s{options.rows / plain:12,.0f} rows/s")
    print(f"{'landing':<12}{landed:8.2f} s{options.rows / landed:12,.0f} rows/s   ratio {ratio:.2f}")
    print("busy: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items()))
    path = write_result(
        "landing",
        {
            "rows": options.rows,
            "rounds": [{"plain": r.plain, "landing": r.landing, "steps": r.steps} for r in rounds],
            "plain_rows_per_second": options.rows / plain,
            "landing_rows_per_second": options.rows / landed,
            "ratio": ratio,
        },
    )
    print(f"written to {path}")


@contextmanager
def _warehouse() -> Iterator[None]:
    """The configured warehouse, or an embedded one of its own that is gone afterwards."""
    if os.environ.get("TOWNHUB_DATABASE_URL"):
        migrate.upgrade()
        yield
        return
    with tempfile.TemporaryDirectory(prefix="townhub-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        os.environ["TOWNHUB_HOME"] = folder
        try:
            migrate.upgrade()
            yield
        finally:
            server.stop(mode="immediate")


if __name__ == "__main__":
    main()
