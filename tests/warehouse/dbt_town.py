"""A small warehouse for dbt: real landing tables, hand-written rows, and dbt run against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Contract, load_contracts
from connectors.tables import ensure_tables
from warehouse import connection

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
AS_OF = "2026-06-30"


@dataclass(frozen=True)
class DbtRun:
    """One dbt invocation: its exit code, what it printed, and where its artefacts are."""

    code: int
    output: str
    target: Path

    def results(self) -> dict[str, str]:
        """Status per node (the name without its package) of this run."""
        found = json.loads((self.target / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".", 2)[2]: result["status"] for result in found}

    def manifest(self) -> dict[str, Any]:
        """What dbt made of the project."""
        return json.loads((self.target / "manifest.json").read_text())  # type: ignore[no-any-return]


def dbt(url: str, target: Path, *arguments: str, as_of: str | None = AS_OF) -> DbtRun:
    """Run dbt as a process of its own, as the townhub command does: connection and secrets from the environment."""
    parts = urlsplit(url)
    environment = {
        **os.environ,
        "TOWNHUB_DBT_HOST": parts.hostname or "127.0.0.1",
        "TOWNHUB_DBT_PORT": str(parts.port or 5432),
        "TOWNHUB_DBT_USER": unquote(parts.username or ""),
        "TOWNHUB_DBT_PASSWORD": unquote(parts.password or ""),
        "TOWNHUB_DBT_DBNAME": parts.path.lstrip("/"),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(target / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    day = ["--vars", json.dumps({"as_of": as_of})] if as_of is not None else []
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments, *day],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    return DbtRun(done.returncode, done.stdout + done.stderr, target)


class Town:
    """Writes records into landing as if they had been taken in, and links them as if they had been resolved."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.contracts: dict[str, Contract] = load_contracts()
        with connection.connect("loader") as conn:
            ensure_tables(conn, self.contracts)

    def land(self, system: str, stream: str, rows: Iterable[Mapping[str, Any]], *, current: bool = True) -> None:
        """Add records; columns that a row does not name are null."""
        definition = self.contracts[system].streams[stream]
        table = sql.Identifier(definition.landing_schema, definition.landing_table)
        key = [column.name for column in definition.primary_key]
        with psycopg.connect(self.url) as conn:
            for row in rows:
                stored = {
                    **row,
                    "_key": sha256("|".join(str(row[name]) for name in key).encode()).digest()[:16],
                    "_hash": sha256(repr(sorted(row.items())).encode()).digest()[:16],
                    "_from_load": 1,
                    "_to_load": None if current else 2,
                }
                types = {"_key": "uuid", "_hash": "uuid"} if self._keys_are_uuids(conn, definition.landing_table) else {}
                values = {
                    name: value.hex() if name in types and isinstance(value, bytes) else value
                    for name, value in stored.items()
                }
                conn.execute(
                    sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                        table,
                        sql.SQL(", ").join(map(sql.Identifier, values)),
                        sql.SQL(", ").join(sql.Placeholder() * len(values)),
                    ),
                    list(values.values()),
                )

    def _keys_are_uuids(self, conn: psycopg.Connection, table: str) -> bool:
        found = conn.execute(
            "SELECT data_type = 'uuid' FROM information_schema.columns WHERE table_name = %s AND column_name = '_key'",
            [table],
        ).fetchone()
        return bool(found and found[0])

    def link(self, kind: str, entity_key: str, *records: tuple[str, str, str]) -> None:
        """Say that these records (system, stream, record_key) speak of one entity."""
        with psycopg.connect(self.url) as conn:
            conn.execute(
                "INSERT INTO resolution.entity (entity_key, kind, created_run, updated_run) VALUES (%s, %s, 1, 1) "
                "ON CONFLICT DO NOTHING",
                [entity_key, kind],
            )
            for system, stream, record_key in records:
                conn.execute(
                    "INSERT INTO resolution.membership "
                    "(kind, system, stream, record_key, entity_key, link_kind, from_run) "
                    "VALUES (%s, %s, %s, %s, %s, 'rule', 1)",
                    [kind, system, stream, record_key, entity_key],
                )

    def load(self, system: str, stream: str, state: str = "committed", quarantined: int = 0) -> None:
        """Enter a load of a stream into the ledger."""
        with psycopg.connect(self.url) as conn:
            conn.execute(
                "INSERT INTO control.load (load_key, system, stream, contract_version, state, started_at, finished_at, "
                "rows_in, rows_quarantined) "
                "VALUES (gen_random_uuid()::text, %s, %s, '1.0.0', %s, clock_timestamp(), clock_timestamp(), %s, %s)",
                [system, stream, state, quarantined, quarantined],
            )

    def load_everything(self) -> None:
        """Every stream of every enabled system is fresh."""
        for contract in self.contracts.values():
            for stream in contract.streams if contract.enabled else ():
                self.load(contract.id, stream)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url) as conn:
            return conn.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


def polygon(west: float, south: float, side: float = 0.01) -> str:
    """A square as GeoJSON text."""
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side], [west, south]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


__all__ = ["AS_OF", "PROJECT", "DbtRun", "Jsonb", "Town", "dbt", "polygon"]
