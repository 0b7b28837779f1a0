"""Sound candidates, what breaks each of their checks, and how a gate is asked: for the tests of the gate."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from connectors.contract import Column, Contract, Stream
from connectors.contract_folder import load_contracts
from quality import gate
from quality.families import FAMILIES
from quality.results import DbtTestResult, Verdict
from warehouse import release

DAY = date(2026, 6, 30)
CANARY = "33010619491231002X"
CONTRACTS = load_contracts()

CORE = """
CREATE TABLE core.dim_premises (premises_code text, state text);
CREATE TABLE core.dim_grid (grid_code text);
CREATE TABLE core.dim_resident (resident_key text, name text, is_deceased boolean, died_on date);
CREATE TABLE core.risk_weights (rule_code text, item text, value numeric, version text);
INSERT INTO core.dim_premises VALUES ('A1', 'open'), ('A2', 'open'), ('A3', 'open'), ('A4', 'closed');
INSERT INTO core.dim_grid VALUES ('G1'), ('G2');
INSERT INTO core.dim_resident VALUES ('R1', '王小明', false, NULL), ('R2', '李四', true, '2026-01-01');
INSERT INTO core.risk_weights VALUES
    ('colour', 'red_from', 60, 'v1'), ('colour', 'yellow_from', 30, 'v1'), ('grid', 'minimum_premises', 1, 'v1');
"""
CANDIDATES = """
DROP TABLE IF EXISTS candidate.premises_risk, candidate.grid_risk, candidate.welfare_match;
CREATE TABLE candidate.premises_risk (
    premises_code text, premises_key text, enterprise_key text, name text, category text, grid_code text,
    community_code text, longitude double precision, latitude double precision, score integer, colour text, reason text,
    points jsonb, gates text[], unknown_inputs text[], last_inspected_on date, next_inspection_due date,
    overdue boolean, score_version text);
INSERT INTO candidate.premises_risk VALUES
    ('A1', 'K1', 'E1', 'Shop', 'street_shop', 'G1', 'C1', 120.1, 30.3, 8, 'green', 'green: score 8',
     '[{"rule": "category", "points": 8}]', '{}', '{}', '2026-06-20', '2026-07-20', false, 'v1'),
    ('A2', 'K2', NULL, 'Plant', 'hazmat_producer', 'G1', 'C1', 120.1, 30.3, 70, 'red', 'red: gate gas_hazard H1',
     '[{"rule": "category", "points": 25}, {"rule": "open_hazards", "points": 45}]', '{gas_hazard}', '{}',
     '2026-06-29', '2026-06-30', false, 'v1'),
    ('A3', 'K3', NULL, 'Site', 'construction_site', 'G2', 'C1', NULL, NULL, 16, 'grey', 'grey: never inspected',
     '[{"rule": "category", "points": 16}]', '{}', '{}', NULL, '2026-06-01', true, 'v1');
CREATE TABLE candidate.grid_risk (
    grid_code text, community_code text, name text, premises_count integer, scored_count integer, red_count integer,
    yellow_count integer, green_count integer, grey_count integer, coverage numeric(5, 4), raw_score numeric(8, 3),
    shrunk_score numeric(8, 3), colour text, confidence text, reason text, score_version text);
INSERT INTO candidate.grid_risk VALUES
    ('G1', 'C1', 'Grid 1', 2, 2, 1, 0, 1, 0, 1, 39, 39, 'yellow', 'high', 'yellow: mean score 39', 'v1'),
    ('G2', 'C1', 'Grid 2', 1, 0, 0, 0, 0, 1, 0, NULL, NULL, 'grey', 'none', 'grey: too few', 'v1');
CREATE TABLE candidate.welfare_match (
    resident_key text, policy_code text, community_code text, outcome text, reason text, missing_evidence text[],
    receiving boolean, finding text, amount_due numeric(12, 2), rule_version text, evidence jsonb);
INSERT INTO candidate.welfare_match VALUES
    ('R1', 'P08', 'C1', 'eligible', 'age 85', '{}', false, 'unclaimed', 100, 'P08-1',
     '{"rules": ["P08.age"], "records": [{"system": "household_registry", "stream": "residents", "record": "P1"}],
       "payments": [], "paid_twice": false}'),
    ('R1', 'P07', 'C1', 'unknown', 'no level', '{level}', true, 'undecided', NULL, 'P07-1',
     '{"rules": [], "records": [], "payments": ["Z1"], "paid_twice": false}'),
    ('R2', 'P08', 'C1', 'not_eligible', 'deceased', '{}', true, 'receiving_not_found_eligible', NULL, 'P08-1',
     '{"rules": ["all.alive"], "records": [], "payments": [], "paid_twice": true}');
"""

# check → what makes it fail. Other checks may fail along: one slip often breaks two rules.
BREAK_PREMISES = {
    "columns": "ALTER TABLE candidate.premises_risk ADD resident_id text",
    "code_given": "UPDATE candidate.premises_risk SET premises_code = NULL WHERE premises_code = 'A1'",
    "code_once": "UPDATE candidate.premises_risk SET premises_code = 'A2' WHERE premises_code = 'A1'",
    "colour_known": "UPDATE candidate.premises_risk SET colour = 'blue' WHERE premises_code = 'A1'",
    "category_known": "UPDATE candidate.premises_risk SET category = 'mosque' WHERE premises_code = 'A1'",
    "overdue_given": "UPDATE candidate.premises_risk SET overdue = NULL WHERE premises_code = 'A1'",
    "version_given": "UPDATE candidate.premises_risk SET score_version = NULL WHERE premises_code = 'A3'",
    "reason_given": "UPDATE candidate.premises_risk SET reason = ' ' WHERE premises_code = 'A1'",
    "score_bounded": "UPDATE candidate.premises_risk SET score = 101 WHERE premises_code = 'A2'",
    "score_is_sum_of_points": "UPDATE candidate.premises_risk SET score = 9 WHERE premises_code = 'A1'",
    "points_say_rule": """UPDATE candidate.premises_risk SET points = '[{"points": 8}]' WHERE premises_code = 'A1'""",
    "red_iff_score_or_gate": "UPDATE candidate.premises_risk SET gates = '{}', score = 59 WHERE premises_code = 'A2'",
    "yellow_between_lines": "UPDATE candidate.premises_risk SET colour = 'yellow' WHERE premises_code = 'A1'",
    "gated_never_mild": "UPDATE candidate.premises_risk SET gates = '{gas_hazard}' WHERE premises_code = 'A1'",
    "overdue_never_green": "UPDATE candidate.premises_risk SET overdue = true WHERE premises_code = 'A1'",
    "never_inspected_not_mild": "UPDATE candidate.premises_risk SET last_inspected_on = NULL"
    " WHERE premises_code = 'A1'",
    "unknown_input_is_grey": "UPDATE candidate.premises_risk SET unknown_inputs = '{fire_119.incidents}'"
    " WHERE premises_code = 'A1'",
    "unknown_input_no_score": "UPDATE candidate.premises_risk SET unknown_inputs = '{fire_119.incidents}'"
    " WHERE premises_code = 'A3'",
    "coloured_has_score": "UPDATE candidate.premises_risk SET score = NULL WHERE premises_code = 'A1'",
    "place_whole": "UPDATE candidate.premises_risk SET latitude = NULL WHERE premises_code = 'A1'",
    "grid_on_map": "UPDATE candidate.premises_risk SET grid_code = 'G9' WHERE premises_code = 'A1'",
    "every_open_premises_once": "DELETE FROM candidate.premises_risk WHERE premises_code = 'A1'",
    "no_identity_number": f"UPDATE candidate.premises_risk SET name = 'Wang {CANARY}' WHERE premises_code = 'A1'",
}
BREAK_GRIDS = {
    "columns": "ALTER TABLE candidate.grid_risk DROP confidence",
    "code_given": "UPDATE candidate.grid_risk SET grid_code = NULL WHERE grid_code = 'G1'",
    "code_once": "UPDATE candidate.grid_risk SET grid_code = 'G2'",
    "colour_known": "UPDATE candidate.grid_risk SET colour = 'purple' WHERE grid_code = 'G1'",
    "confidence_known": "UPDATE candidate.grid_risk SET confidence = 'sure' WHERE grid_code = 'G1'",
    "version_given": "UPDATE candidate.grid_risk SET score_version = NULL WHERE grid_code = 'G2'",
    "reason_given": "UPDATE candidate.grid_risk SET reason = NULL WHERE grid_code = 'G1'",
    "counts_add_up": "UPDATE candidate.grid_risk SET green_count = 2 WHERE grid_code = 'G1'",
    "coverage_is_share": "UPDATE candidate.grid_risk SET coverage = 0.5 WHERE grid_code = 'G1'",
    "scores_bounded": "UPDATE candidate.grid_risk SET raw_score = 120 WHERE grid_code = 'G1'",
    "grey_has_no_confidence": "UPDATE candidate.grid_risk SET confidence = 'low' WHERE grid_code = 'G2'",
    "coloured_has_score": "UPDATE candidate.grid_risk SET shrunk_score = NULL WHERE grid_code = 'G1'",
    "few_premises_are_grey": "UPDATE candidate.grid_risk SET scored_count = 0 WHERE grid_code = 'G1'",
    "worse_score_never_milder": "UPDATE candidate.grid_risk SET colour = 'green', shrunk_score = 50"
    " WHERE grid_code = 'G2'",
    "every_grid_once": "DELETE FROM candidate.grid_risk WHERE grid_code = 'G2'",
    "counts_match_premises": "UPDATE candidate.grid_risk SET green_count = 0, yellow_count = 1 WHERE grid_code = 'G1'",
}
BREAK_WELFARE = {
    "columns": "ALTER TABLE candidate.welfare_match ADD name text",
    "resident_given": "UPDATE candidate.welfare_match SET resident_key = NULL WHERE policy_code = 'P07'",
    "policy_given": "UPDATE candidate.welfare_match SET policy_code = NULL WHERE policy_code = 'P07'",
    "pair_once": "UPDATE candidate.welfare_match SET policy_code = 'P08' WHERE policy_code = 'P07'",
    "policy_known": "UPDATE candidate.welfare_match SET policy_code = 'P99' WHERE policy_code = 'P07'",
    "outcome_known": "UPDATE candidate.welfare_match SET outcome = 'no' WHERE policy_code = 'P07'",
    "finding_known": "UPDATE candidate.welfare_match SET finding = 'fraud' WHERE policy_code = 'P07'",
    "version_given": "UPDATE candidate.welfare_match SET rule_version = NULL WHERE policy_code = 'P07'",
    "reason_given": "UPDATE candidate.welfare_match SET reason = '' WHERE policy_code = 'P07'",
    "unknown_says_what_is_missing": "UPDATE candidate.welfare_match SET missing_evidence = '{}'"
    " WHERE policy_code = 'P07'",
    "eligible_has_amount": "UPDATE candidate.welfare_match SET amount_due = NULL WHERE outcome = 'eligible'",
    "amount_only_if_eligible": "UPDATE candidate.welfare_match SET amount_due = 100 WHERE policy_code = 'P07'",
    "amount_sane": "UPDATE candidate.welfare_match SET amount_due = 100000 WHERE outcome = 'eligible'",
    "finding_follows": "UPDATE candidate.welfare_match SET finding = 'as_due' WHERE outcome = 'eligible'",
    "deceased_never_eligible": "UPDATE candidate.welfare_match SET outcome = 'eligible' WHERE resident_key = 'R2'",
    "resident_known": "UPDATE candidate.welfare_match SET resident_key = 'R9' WHERE policy_code = 'P07'",
    "evidence_fields_known": """UPDATE candidate.welfare_match SET evidence = evidence || '{"phone": "1"}'""",
    "no_identity_number": f"UPDATE candidate.welfare_match SET reason = 'holder of {CANARY}' WHERE policy_code = 'P07'",
    "no_name_in_reason": "UPDATE candidate.welfare_match SET reason = '王小明, age 85' WHERE outcome = 'eligible'",
}
BREAKS = {"premises_risk": BREAK_PREMISES, "grid_risk": BREAK_GRIDS, "welfare_match": BREAK_WELFARE}

SAMPLES = {
    "cn.resident_id": "330106194912310022", "cn.credit_code": "91110000600037341L",
    "cn.taxpayer_no": "91110000600037341L", "cn.phone": "13912345679", "cn.sex": "male", "cn.ethnic_group": "01",
    "cn.family_relation": "02", "cn.disability_certificate": "33010619491231002243", "cn.disability_class": "4",
    "cn.disability_level": "2", "cn.gb28181_device_id": "33010600001320000001", "cn.month": "2026-05",
    "cn.warning_id": "33019941600001_20260630080000_1",
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
    by_type = {"string": "x1", "integer": 1, "number": 1.0, "date": date(2026, 1, 1), "boolean": True}
    return by_type.get(column.logical_type, "2026-06-01 08:00:00+08")


def land(conn: psycopg.Connection, stream: Stream, **changes: Any) -> None:
    """One sound current record of a stream, but for the changes, and a committed load."""
    row = {column.name: sample(column) for column in stream.columns} | changes
    row |= {
        "_key": "00000000-0000-0000-0000-000000000001",
        "_hash": "00000000-0000-0000-0000-000000000001",
        "_from_load": 1,
    }
    conn.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(stream.landing_schema, stream.landing_table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )
    commit_load(conn, stream)


def commit_load(conn: psycopg.Connection, stream: Stream) -> None:
    conn.execute(
        "INSERT INTO control.load (load_key, system, stream, state, finished_at, rows_in, rows_landed)"
        " VALUES (gen_random_uuid()::text, %s, %s, 'committed', now(), 1, 1)",
        [stream.system, stream.name],
    )


def stream_of(system: str, name: str) -> tuple[Contract, Stream]:
    return CONTRACTS[system], CONTRACTS[system].streams[name]


def write_manifest(folder: Path, **queries: str) -> Path:
    lawful = {
        "premises_risk": "select premises_code from landing.safety_inspection__premises",
        "grid_risk": "select grid_code from landing.grid_map__grids",
        "welfare_match": "select person_no from landing.household_registry__residents where _to_load is null",
    }
    nodes: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for family in FAMILIES.values():
        for product in family.products:
            uid = f"model.townhub.{product.name}"
            query = queries.get(product.name, lawful[product.name])
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


def dbt_results(family: str, status: str = "pass") -> list[DbtTestResult]:
    return [DbtTestResult(p.name, f"sound_{p.name}", status, 0) for p in FAMILIES[family].products]


def judged(
    builder: psycopg.Connection, family: str, manifest: Path, results: list[DbtTestResult] | None = None
) -> tuple[int, dict[str, Verdict]]:
    candidate = release.register_candidate(builder, family, DAY, "run")
    given = dbt_results(family) if results is None else results
    verdicts = gate.judge(family, candidate.candidate_id, dbt_results=given, run_id="run", manifest=manifest)
    return candidate.candidate_id, {verdict.check_name: verdict for verdict in verdicts}


def not_green(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {name: verdict.state for name, verdict in verdicts.items() if verdict.state != "green"}
