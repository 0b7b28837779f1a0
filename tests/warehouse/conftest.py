"""A warehouse of a module's own for dbt: real landing tables, hand-written records, and dbt run against them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import md5
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from psycopg import sql

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.tables import ensure_tables
from quality.dbt_manifest import read_manifest
from tests.conftest import PARSED, clone, environment, own_database
from tests.warehouse import rebuilt

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
AS_OF = "2026-06-30"
QUIET = ("--quiet", "--log-level", "none", "--log-level-file", "none")


@dataclass(frozen=True)
class DbtRun:
    """One dbt invocation: its exit code, what it printed, and where its artefacts are."""

    code: int
    output: str
    target: Path

    def results(self) -> dict[str, str]:
        """Status per node of this run, by its name without package."""
        found = json.loads((self.target / "run_results.json").read_text())["results"]
        return {result["unique_id"].split(".", 2)[2]: result["status"] for result in found}

    def manifest(self) -> dict[str, Any]:
        """What dbt made of the project."""
        return json.loads((self.target / "manifest.json").read_text())  # type: ignore[no-any-return]


@cache
def _parsed(database: str, kept: Path) -> Any:
    """The project as dbt parses it; it names the database, which has one name in all modules of a process."""
    from dbt.cli.main import dbtRunner

    if database == PARSED:
        return pickle.loads((kept / "parsed.pickle").read_bytes())[1]
    done = dbtRunner().invoke([*QUIET, "parse", "--no-write-json", *_folders(Path(mkdtemp()))])
    assert done.success, done.exception
    return done.result


def _folders(target: Path) -> list[str]:
    return [
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        *("--target-path", str(target), "--log-path", str(target / "logs")),
    ]


class DbtTown:
    """Writes records into landing as if they had been taken in, links them as if resolved, and runs dbt over them."""

    def __init__(self, url: str, target: Path, parsed: Path) -> None:
        self.url = url
        self.target = target
        self.parsed = parsed
        self.contracts: dict[str, Contract] = load_contracts()
        with psycopg.connect(url) as conn:
            conn.execute("SET ROLE townhub_loader")
            ensure_tables(conn, self.contracts)

    def dbt(self, *arguments: str, as_of: str | None = AS_OF) -> DbtRun:
        """Run dbt in this process: the project is parsed once, the environment has the connection."""
        from dbt.cli.main import dbtRunner  # three seconds, which other tests need not wait for

        parts = urlsplit(self.url)
        address = {
            "TOWNHUB_DBT_HOST": parts.hostname or "127.0.0.1",
            "TOWNHUB_DBT_PORT": str(parts.port or 5432),
            "TOWNHUB_DBT_USER": unquote(parts.username or ""),
            "TOWNHUB_DBT_PASSWORD": unquote(parts.password or ""),
            "TOWNHUB_DBT_DBNAME": parts.path.lstrip("/"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        day = ["--vars", json.dumps({"as_of": as_of})] if as_of is not None else []
        told: list[str] = []
        with environment(**address):
            project = _parsed(address["TOWNHUB_DBT_DBNAME"], self.parsed).deepcopy()
            runner = dbtRunner(project, [lambda event: told.append(event.info.msg)])
            done = runner.invoke([*QUIET, *arguments, *_folders(self.target), *day])
        if done.exception is not None:
            told.append(str(done.exception))
        return DbtRun(0 if done.success else 1, "\n".join(told), self.target)

    def rebuild(self, *models: str) -> None:
        """Build these models and all that was built on them again, without dbt: see `rebuilt`."""
        manifest = read_manifest(self.target / "manifest.json")
        with psycopg.connect(self.url) as conn:
            for statement in rebuilt.statements(manifest, *models, allow_missing=True):
                conn.execute(statement)

    def land(self, system: str, stream: str, *rows: Mapping[str, Any], current: bool = True) -> None:
        """Add records; columns that a row does not name are null."""
        definition = self.contracts[system].streams[stream]
        key = [column.name for column in definition.primary_key]
        with psycopg.connect(self.url) as conn:
            for row in rows:
                stored = {
                    **row,
                    "_key": md5("|".join(str(row[name]) for name in key).encode()).hexdigest(),
                    "_hash": md5(repr(sorted(row.items())).encode()).hexdigest(),
                    "_from_load": 1,
                    "_to_load": None if current else 2,
                }
                conn.execute(
                    sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
                        sql.Identifier(definition.landing_schema, definition.landing_table),
                        sql.SQL(", ").join(map(sql.Identifier, stored)),
                        sql.SQL(", ").join(sql.Placeholder() * len(stored)),
                    ),
                    list(stored.values()),
                )

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

    def load(self, system: str, stream: str, state: str = "committed") -> None:
        """Enter a load of a stream into the ledger."""
        with psycopg.connect(self.url) as conn:
            conn.execute(
                "INSERT INTO control.load (load_key, system, stream, contract_version, state, started_at, finished_at) "
                "VALUES (gen_random_uuid()::text, %s, %s, '1.0.0', %s, clock_timestamp(), clock_timestamp())",
                [system, stream, state],
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


@pytest.fixture(scope="module")
def dbt_town(
    server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory, parsed_project: Path
) -> Iterator[DbtTown]:
    """An empty migrated warehouse with landing tables; everything in it commits, it is dropped at the end."""
    with clone(server_url, template, own_database()) as url:
        yield DbtTown(url, tmp_path_factory.mktemp("dbt"), parsed_project)
