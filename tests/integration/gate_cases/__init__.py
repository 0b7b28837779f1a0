"""Sound candidates, what breaks each of their checks, and how a gate is asked: for the tests of the gate.

The candidates and what breaks them stand in the module of the family's name.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql

from connectors.contract import Column, Stream
from connectors.contract_folder import load_contracts
from quality import contract_checks, gate
from quality.families import FAMILIES
from quality.results import CheckResult, DbtResult, Verdict
from tests.integration.gate_cases._canary import CANARY as CANARY
from warehouse import release
from warehouse.connection import connect

DAY = date(2026, 6, 30)
CONTRACTS = load_contracts()

_CASES = [import_module(f"{__name__}.{family}") for family in FAMILIES]
CORE = "".join(case.CORE for case in _CASES)
CANDIDATES = "".join(case.CANDIDATES for case in _CASES)
LAWFUL: dict[str, str] = {product: query for case in _CASES for product, query in case.LAWFUL.items()}
BREAKS: dict[str, dict[str, str]] = {product: breaks for case in _CASES for product, breaks in case.BREAKS.items()}
"""product → check → what makes it fail. Other checks may fail along: one slip often breaks two rules."""

SAMPLES = {
    "cn.resident_id": "330106194912310022", "cn.credit_code": "91110000600037341L",
    "cn.taxpayer_no": "91110000600037341L", "cn.phone": "13912345679", "cn.sex": "male", "cn.ethnic_group": "01",
    "cn.family_relation": "02", "cn.disability_certificate": "33010619491231002243", "cn.disability_class": "4",
    "cn.disability_level": "2", "cn.gb28181_device_id": "33010600001320000001", "cn.month": "2026-05",
    "cn.property_unit": "330199001002GB00003F00010012",
    "cn.bank_account": "6299000000000000018", "cn.warning_id": "33019941600001_20260630080000_1",
    "geo.polygon": '{"type": "Polygon", "coordinates": []}', "cn.person_name": "王小明",
}  # fmt: skip


def sample(column: Column) -> Any:
    """A landed value that breaks no rule of its column."""
    semantic = column.semantic_type or ""
    if column.codes:
        return sorted(column.codes.values())[0]
    if semantic in SAMPLES:
        return SAMPLES[semantic]
    if semantic.startswith("geo."):
        return 120.1 if semantic.endswith("longitude") else 30.3
    least = 1.0 if column.maximum is None else min(1.0, column.maximum)
    least = max(least, column.minimum or least)
    by_type = {"string": "x1", "integer": int(least), "number": float(least), "date": date(2026, 1, 1), "boolean": True}
    return by_type.get(column.logical_type, "2026-06-01 08:00:00+08")


def land(conn: psycopg.Connection, stream: Stream, **changes: Any) -> None:
    """One sound current record of a stream, but for the changes, and the committed load that it came with."""
    row = {column.name: sample(column) for column in stream.columns} | changes
    row |= {
        "_key": "00000000-0000-0000-0000-000000000001",
        "_hash": "00000000-0000-0000-0000-000000000001",
        "_from_load": commit_load(conn, stream),
    }
    conn.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(stream.landing_schema, stream.landing_table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


def commit_load(conn: psycopg.Connection, stream: Stream) -> int:
    """A committed load that landed rows; its number."""
    row = conn.execute(
        "INSERT INTO control.load (load_key, system, stream, state, finished_at, rows_in, rows_landed)"
        " VALUES (gen_random_uuid()::text, %s, %s, 'committed', now(), 1, 1) RETURNING load_id",
        [stream.system, stream.name],
    ).fetchone()
    assert row is not None
    return int(row[0])


def stream_of(system: str, name: str) -> Stream:
    return CONTRACTS[system].streams[name]


def by_contract(stream: Stream, *, as_built: bool = False) -> list[CheckResult]:
    with connect("builder", autocommit=True) as conn:
        return contract_checks.check_stream(conn, stream, as_built=as_built)


def write_manifest(folder: Path, **queries: str) -> Path:
    nodes: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for family in FAMILIES.values():
        for product in family.products:
            uid = f"model.townhub.{product.name}"
            query = queries.get(product.name, LAWFUL[product.name])
            nodes[uid] = {
                "unique_id": uid, "name": product.name, "resource_type": "model", "language": "sql",
                "schema": "candidate", "alias": product.name, "compiled_code": query,
                "fqn": ["townhub", "products", family.name, product.name], "depends_on": {"nodes": []},
                "columns": {query.split()[1].rstrip(","): {}}, "config": {"meta": {"purpose": [product.purpose]}},
            }  # fmt: skip
            nodes[f"test.{product.name}"] = {
                "name": f"sound {product.name}", "resource_type": "test", "depends_on": {"nodes": [uid]},
            }  # fmt: skip
    for contract in CONTRACTS.values():
        for stream in contract.streams.values():
            table = {"schema": stream.landing_schema, "identifier": stream.landing_table, "columns": {}}
            sources[f"source.{contract.id}.{stream.name}"] = table
    path = folder / "manifest.json"
    path.write_text(json.dumps({"nodes": nodes, "sources": sources}))
    return path


def dbt_results(family: str) -> list[DbtResult]:
    return [
        DbtResult(product.name, test, status)
        for product in FAMILIES[family].products
        for test, status in ((None, "success"), (f"sound_{product.name}", "pass"))
    ]


def judged(
    builder: psycopg.Connection,
    family: str,
    manifest: Path,
    results: list[DbtResult] | None = None,
    linked: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> tuple[int, dict[str, Verdict]]:
    candidate = release.register_candidate(builder, family, DAY, "run")
    given = dbt_results(family) if results is None else results
    verdicts = gate.judge(
        family, candidate.candidate_id, dbt_results=given, run_id="run", linked=linked, manifest=manifest
    )
    return candidate.candidate_id, {verdict.check_name: verdict for verdict in verdicts}


def not_green(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {name: verdict.state for name, verdict in verdicts.items() if verdict.state != "green"}
