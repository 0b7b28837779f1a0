"""A month's new records: what a run by changes costs on a large base, ledger and all, and how well it links.

Records are laid into landing tables under staging views of their own. `MONTH` of them, drawn from all, are held back; a
full run links the rest, then they land, a run by changes links them, and a full run follows to be held against it. Core
seconds are those of the run's own process and of the whole server meanwhile.

`python -m bench._identity_month changes|full STREAM…` is one such run, in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from bench._home import own_home
from bench._identity_scores import score
from bench._peaks import peak_kib
from resolution import things
from resolution.residents import state as resident_state
from resolution.source import Source
from resolution.sources import RESIDENT_SCHEMA
from warehouse import connection, migrate, server

REPOSITORY = Path(__file__).parents[1]
MONTH = 20_000
FIELDS = tuple(RESIDENT_SCHEMA)[3:]
RECORD = ("system", "stream", "record_key")
_TICKS = os.sysconf("SC_CLK_TCK")


def month(records: pl.DataFrame, seed: int, *, new: int = MONTH) -> dict[str, Any]:
    """Figures of the three runs. `records` has `RESIDENT_SCHEMA` and `true`."""
    chosen = records.select(pl.int_range(pl.len()).shuffle(seed) < new).to_series()
    streams = [f"{system}.{stream}" for system, stream in records.select(RECORD[:2]).unique().sort(RECORD[:2]).rows()]
    with own_home():
        server.ensure_started()
        migrate.upgrade()
        _lay(streams)
        _land(records.filter(~chosen), streams)
        first = _run("full", streams)
        _settle_down()
        kept = _sizes()
        _land(records.filter(chosen), streams)
        changes = _run("changes", streams) | _scores(records)
        return {
            "new": new, "base": first, "kept_bytes": kept, "changes": changes,
            "again": _run("full", streams) | _scores(records),
        }  # fmt: skip


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Figures for a person."""
    told = {"base": "a full run over the base", "changes": f"{found['new']:,} new records", "again": "a full run after"}
    for name, what in told.items():
        one = found[name]
        spent = f"{one['core_seconds']:.1f} core seconds (the server's {one['server_seconds']:.1f})"
        well = (
            f"  precision {one['precision']:.5f}  recall {one['recall']:.5f}  F1 {one['f1']:.5f}" if "f1" in one else ""
        )
        yield f"  {what:<26}{one['records']:>9,} records  {spent}, {one['peak_mib']:,.0f} MiB{well}"
    sizes = ", ".join(f"{name} {size / 2**20:,.0f} MiB" for name, size in found["kept_bytes"].items())
    yield f"  kept for the next run: {sizes}"


def _run(how: str, streams: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench._identity_month", how, *streams], cwd=REPOSITORY, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"a run ended with code {done.returncode}: {done.stderr.strip()[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _scores(records: pl.DataFrame) -> dict[str, float]:
    """Of all links in force, held against the truth."""
    with connection.connect("builder") as conn:
        rows = conn.execute(
            "SELECT system, stream, record_key, entity_key FROM resolution.membership WHERE to_run IS NULL"
        ).fetchall()
    held = pl.DataFrame(rows, schema=dict.fromkeys([*RECORD, "found"], pl.String), orient="row")
    found = score(records.select(*RECORD, "true").join(held, on=list(RECORD)).select("true", "found"))
    return {name: getattr(found, name) for name in ("precision", "recall", "f1", "cluster_f1")}


def _lay(streams: list[str]) -> None:
    """Empty landing tables, and views of what is current in them."""
    fields = ", ".join(f"{name} {'date' if name == 'birth_date' else 'text'}" for name in FIELDS)
    with connection.connect("loader") as conn:
        for source in _sources(streams):
            table = f"{source.system}__{source.stream}"
            conn.execute(
                f"CREATE TABLE landing.{table} (record_key text, {fields}, _from_load bigint, _to_load bigint)".encode()
            )
        conn.commit()
    with connection.connect("builder") as conn:
        for source in _sources(streams):
            shown = f"SELECT record_key, {', '.join(FIELDS)} FROM landing.{source.system}__{source.stream}"
            conn.execute(f"CREATE VIEW {source.view} AS {shown} WHERE _to_load IS NULL".encode())
        conn.commit()


def _land(records: pl.DataFrame, streams: list[str]) -> None:
    """One load of every stream that has some of the records."""
    with connection.connect("loader", autocommit=True) as conn:
        for source in _sources(streams):
            mine = records.filter((pl.col("system") == source.system) & (pl.col("stream") == source.stream))
            if mine.is_empty():
                continue
            row = conn.execute(
                "INSERT INTO control.load (load_key, system, stream, state, rows_in, rows_landed)"
                " VALUES (gen_random_uuid()::text, %s, %s, 'committed', %s, %s) RETURNING load_id",
                [source.system, source.stream, mine.height, mine.height],
            ).fetchone()
            assert row is not None
            table = f"landing.{source.system}__{source.stream}"
            columns = ", ".join(["record_key", *FIELDS, "_from_load"])
            with conn.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT CSV)".encode()) as copy:
                copy.write(mine.select("record_key", *FIELDS, pl.lit(row[0])).write_csv(include_header=False))
            conn.execute(f"ANALYZE {table}".encode())


def _settle_down() -> None:
    """What the server does by itself some minutes after so large a load."""
    with psycopg.connect(server.ensure_started().url + "/postgres") as conn:
        names = [row[0] for row in conn.execute("SELECT datname FROM pg_database WHERE NOT datistemplate").fetchall()]
    for name in names:
        with psycopg.connect(f"{server.ensure_started().url}/{name}", autocommit=True) as conn:
            conn.execute("VACUUM (ANALYZE)")
            conn.execute("CHECKPOINT")


def _sizes() -> dict[str, int]:
    """Bytes of what is kept for the next run, indexes included."""
    with connection.connect("builder") as conn:
        query = "SELECT pg_total_relation_size(format('resolution.%%I', %s::text)::regclass)"
        return {name: row[0] for name in resident_state.TABLES if (row := conn.execute(query, [name]).fetchone())}


def _sources(streams: list[str]) -> tuple[Source, ...]:
    named = (stream.split(".") for stream in streams)
    return tuple(Source(system, stream, "record_key", {name: name for name in FIELDS}) for system, stream in named)


def _server_seconds() -> float:
    """Of all processes of the server since it started, those that ended included."""
    root = server.status().pid
    assert root is not None
    ticks = sum(map(int, _stat(root)[11:15]))
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return (ticks + sum(sum(map(int, _stat(int(child))[11:13])) for child in children)) / _TICKS


def _stat(process: int) -> list[str]:
    """Fields of /proc/PID/stat after the name."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def main() -> None:
    how, *streams = sys.argv[1:]
    from resolution.runner import resolve

    things.SOURCES["residents"] = _sources(streams)
    served, worked, started = _server_seconds(), time.process_time(), time.perf_counter()
    done = resolve("residents", full=how == "full")
    seconds, mine, theirs = time.perf_counter() - started, time.process_time() - worked, _server_seconds() - served
    figures = {"records": done.records, "entities": done.entities, "content_hash": done.content_hash}
    figures |= {
        "seconds": seconds,
        "core_seconds": mine + theirs,
        "server_seconds": theirs,
        "peak_mib": peak_kib() / 1024,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
