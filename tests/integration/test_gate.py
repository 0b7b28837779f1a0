"""The gate on a real PostgreSQL: every check of every suite fails when it should, and no value of a row leaks."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from connectors.contract import Column, Contract, Stream, load_contracts
from connectors.tables import ensure_tables
from quality import contract_checks, docs, gate, great, guards, record
from quality.checks import Check
from quality.families import FAMILIES, SAFETY, WELFARE
from quality.results import DbtTestResult, Verdict
from quality.suites import SUITES, verdict_name
from warehouse import access, release
from warehouse.connection import connect

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


@pytest.fixture(scope="module")
def gate_database(server_url: str, template: str) -> Iterator[str]:
    """One migrated warehouse for this module: GX takes a second to meet a new database."""
    name = f"townhub_gate_{secrets.token_hex(4)}"
    target = urlunsplit(urlsplit(server_url)._replace(path="/" + name))
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
    with psycopg.connect(target) as owner:
        access.grant_database(owner)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOWNHUB_DATABASE_URL", target)
        patch.setenv("TOWNHUB_AS_OF", DAY.isoformat())
        with connect("loader") as loader:
            ensure_tables(loader, CONTRACTS)
            for system, stream in {given for family in FAMILIES.values() for given in family.inputs}:
                land(loader, stream_of(system, stream)[1])
        with connect("builder") as builder:
            builder.execute(CORE)
        with connect("owner") as owner:
            gate.register(owner)
        yield target
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def builder(gate_database: str) -> Iterator[psycopg.Connection]:
    """A committing connection as builder over sound candidate tables."""
    with connect("builder", autocommit=True) as connection:
        connection.execute(CANDIDATES)
        yield connection


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A dbt project of three products, lawful and with one test each."""
    return write_manifest(tmp_path)


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


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sound_candidate_is_green_and_published(family: str, builder: psycopg.Connection, manifest: Path) -> None:
    candidate, verdicts = judged(builder, family, manifest)
    assert not_green(verdicts) == {}
    required = {
        row[0] for row in builder.execute("SELECT check_name FROM control.required_check WHERE family = %s", [family])
    }
    assert required == set(verdicts)
    written = builder.execute(
        "SELECT check_name, run_id FROM control.verdict WHERE candidate_id = %s", [candidate]
    ).fetchall()
    assert {row[0] for row in written} == set(verdicts) and {row[1] for row in written} == {"run"}
    assert release.obstacles(builder, candidate) == []
    assert release.publish(builder, candidate, "test").release_id > 0


def test_registering_is_repeatable_and_forgets_old_checks(builder: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        builder.execute("DELETE FROM control.required_check")  # whose work is judged does not choose the judges
    with connect("owner") as owner:
        owner.execute("INSERT INTO control.required_check VALUES ('safety', 'gx.premises_risk.of_yesterday')")
    everything = "SELECT (SELECT json_agg(p ORDER BY product) FROM control.product p)::text, (SELECT count(*) FROM c)"
    everything = f"WITH c AS (SELECT FROM control.required_check) {everything}"
    for _ in range(2):
        with connect("owner") as owner:
            gate.register(owner)
    first = builder.execute(everything).fetchone()
    with connect("owner") as owner:
        gate.register(owner)
    assert builder.execute(everything).fetchone() == first
    names = {row[0] for row in builder.execute("SELECT check_name FROM control.required_check WHERE family = 'safety'")}
    assert names == set(gate.required_checks(SAFETY))


def test_the_migration_and_the_families_name_the_same_products(builder: psycopg.Connection) -> None:
    found = builder.execute("SELECT product, family, key_columns, purpose FROM control.product ORDER BY 1").fetchall()
    ours = [(p.name, f.name, list(p.key_columns), p.purpose) for f in FAMILIES.values() for p in f.products]
    assert found == sorted(ours)


def test_every_check_has_a_way_to_fail() -> None:
    assert {product: set(breaks) for product, breaks in BREAKS.items()} == {
        product: {check.name for check in checks} for product, checks in SUITES.items()
    }


@pytest.mark.parametrize("product", SUITES)
def test_every_check_fails_when_its_rule_is_broken(product: str, builder: psycopg.Connection) -> None:
    for check in SUITES[product]:
        builder.execute(CANDIDATES)
        assert great.validate("candidate", product, [check], role="builder")[0].passed, check.name
        builder.execute(BREAKS[product][check.name])
        (outcome,) = great.validate("candidate", product, [check], role="builder")
        assert (outcome.passed, outcome.error) == (False, None), check.name


def test_a_red_check_keeps_the_candidate_out(builder: psycopg.Connection, manifest: Path) -> None:
    builder.execute(BREAK_PREMISES["overdue_never_green"])
    candidate, verdicts = judged(builder, "safety", manifest)
    assert not_green(verdicts) == {"gx.premises_risk.overdue_never_green": "red"}
    with pytest.raises(release.ReleaseError, match="overdue_never_green is red"):
        release.publish(builder, candidate, "test")


def test_a_check_that_crashes_is_an_error_and_the_others_go_on(builder: psycopg.Connection, manifest: Path) -> None:
    builder.execute("ALTER TABLE core.dim_grid RENAME TO dim_grid_gone")
    try:
        candidate, verdicts = judged(builder, "safety", manifest)
    finally:
        builder.execute("ALTER TABLE core.dim_grid_gone RENAME TO dim_grid")
    crashed = {"gx.premises_risk.grid_on_map": "error", "gx.grid_risk.every_grid_once": "error"}
    assert not_green(verdicts) == crashed
    assert verdicts["gx.premises_risk.grid_on_map"].observed == {"error": "psycopg2.errors.UndefinedTable"}
    assert len(release.obstacles(builder, candidate)) == 2


def test_nothing_is_green_over_no_rows(builder: psycopg.Connection, manifest: Path) -> None:
    builder.execute("TRUNCATE candidate.welfare_match")
    _, verdicts = judged(builder, "welfare", manifest)
    suite = {verdict_name("welfare_match", check) for check in SUITES["welfare_match"]}
    assert suite | {"guard.volume", "guard.unknown_share"} == set(not_green(verdicts))


def test_a_table_that_is_gone_is_an_error(builder: psycopg.Connection, manifest: Path) -> None:
    candidate = release.register_candidate(builder, "welfare", DAY, "run")
    builder.execute("DROP TABLE candidate.welfare_match")
    verdicts = gate.judge(
        "welfare", candidate.candidate_id, dbt_results=dbt_results("welfare"), run_id=None, manifest=manifest
    )
    states = {verdict.check_name: verdict.state for verdict in verdicts}
    assert states["gx.welfare_match.columns"] == "error" and states["guard.unknown_share"] == "error"
    assert len(verdicts) == len(gate.required_checks(WELFARE))


def test_a_candidate_of_another_family_is_refused(builder: psycopg.Connection, manifest: Path) -> None:
    candidate = release.register_candidate(builder, "welfare", DAY, "run")
    with pytest.raises(gate.NoSuchCandidate):
        gate.judge("safety", candidate.candidate_id, dbt_results=[], run_id=None, manifest=manifest)
    with pytest.raises(KeyError, match="knows safety, welfare"):
        gate.judge("weather", candidate.candidate_id, dbt_results=[], run_id=None, manifest=manifest)


@pytest.mark.parametrize(
    ("results", "observed"),
    [
        ([], {"missing": ["sound_welfare_match"]}),
        ([DbtTestResult("welfare_match", "sound_welfare_match", "fail", 3)], {"failed": ["sound_welfare_match"]}),
        ([DbtTestResult("welfare_match", "sound_welfare_match", "error")], {"failed": ["sound_welfare_match"]}),
        ([DbtTestResult("welfare_match", "sound_welfare_match", "skipped")], {"failed": ["sound_welfare_match"]}),
    ],
)
def test_dbt_tests_must_have_run_and_passed(
    results: list[DbtTestResult], observed: dict[str, Any], builder: psycopg.Connection, manifest: Path
) -> None:
    _, verdicts = judged(builder, "welfare", manifest, results)
    assert not_green(verdicts) == {"guard.dbt_tests": "red"}
    assert observed.items() <= verdicts["guard.dbt_tests"].observed.items()


def test_a_family_is_not_stopped_by_the_tests_of_another(builder: psycopg.Connection, manifest: Path) -> None:
    other = [DbtTestResult("premises_risk", "sound_premises_risk", "fail", 1)]
    assert not_green(judged(builder, "welfare", manifest, [*dbt_results("welfare"), *other])[1]) == {}


def test_without_a_manifest_the_guards_that_need_it_are_errors(builder: psycopg.Connection, tmp_path: Path) -> None:
    _, verdicts = judged(builder, "welfare", tmp_path / "manifest.json")
    assert not_green(verdicts) == {"guard.dbt_tests": "error", "guard.purpose": "error"}
    assert "townhub run" in verdicts["guard.purpose"].observed["message"]


def test_an_unlawful_model_is_red(builder: psycopg.Connection, tmp_path: Path) -> None:
    query = "select taxpayer_no from landing.tax_analysis__collections"
    _, verdicts = judged(builder, "welfare", write_manifest(tmp_path, welfare_match=query))
    assert not_green(verdicts) == {"guard.purpose": "red"}
    assert "tax_analysis.collections.taxpayer_no" in str(verdicts["guard.purpose"].observed)


def test_volume_is_held_against_the_current_release(builder: psycopg.Connection, manifest: Path) -> None:
    candidate, _ = judged(builder, "welfare", manifest)
    release.publish(builder, candidate, "test")
    builder.execute("DELETE FROM candidate.welfare_match WHERE policy_code = 'P07'")
    _, verdicts = judged(builder, "welfare", manifest)
    assert not_green(verdicts) == {"guard.volume": "red"}
    assert verdicts["guard.volume"].observed["products"] == {"welfare_match": {"rows": 2, "rows_released": 3}}
    builder.execute(CANDIDATES)
    builder.execute(
        "INSERT INTO core.dim_resident SELECT 'N' || i, 'N', false, NULL FROM generate_series(1, 9) i;"
        "INSERT INTO candidate.welfare_match SELECT 'N' || i, 'P08', 'C1', 'not_eligible', 'young', '{}', false,"
        " 'not_due', NULL, 'P08-1', '{\"rules\": [], \"records\": []}' FROM generate_series(1, 9) i"
    )
    assert not_green(judged(builder, "welfare", manifest)[1]) == {"guard.volume": "red"}
    # The same rise is explained when an input that the release had to do without is back.
    builder.execute(
        "INSERT INTO control.verdict (family, candidate_id, check_name, state, rows_checked, observed) VALUES"
        " ('welfare', (SELECT r.candidate_id FROM control.release r JOIN control.release_pointer p USING (release_id)"
        "   WHERE p.family = 'welfare'), 'guard.inputs', 'green', 1, %s)",
        ['{"states": {"household_registry.residents": "failed"}}'],
    )
    _, verdicts = judged(builder, "welfare", manifest)
    assert not_green(verdicts) == {}
    assert verdicts["guard.volume"].observed["recovered_inputs"] == ["household_registry.residents"]
    builder.execute("DELETE FROM core.dim_resident WHERE resident_key LIKE 'N%'")


def test_an_input_that_breaks_its_contract_is_red(builder: psycopg.Connection, manifest: Path) -> None:
    _, stream = stream_of("fire_119", "incidents")
    with connect("loader") as loader:
        loader.execute("UPDATE landing.fire_119__incidents SET vehicles = 5000")
        commit_load(loader, stream)
    _, verdicts = judged(builder, "safety", manifest)
    with connect("loader") as loader:
        loader.execute("UPDATE landing.fire_119__incidents SET vehicles = 1")
        commit_load(loader, stream)
    assert not_green(verdicts) == {"guard.inputs": "red"}
    assert verdicts["guard.inputs"].observed["broken"] == ["gx.fire_119.incidents.vehicles.range"]
    assert not_green(judged(builder, "safety", manifest)[1]) == {}


def test_a_dead_input_is_told_and_stops_nothing_unless_it_is_the_base(
    builder: psycopg.Connection, manifest: Path
) -> None:
    with connect("owner") as owner:
        loads = "UPDATE control.load SET state = %s WHERE (system, stream) = (%s, %s) AND state = %s"
        owner.execute(loads, ["failed", "fire_119", "incidents", "committed"])
    _, verdicts = judged(builder, "safety", manifest)
    assert not_green(verdicts) == {}
    assert verdicts["guard.inputs"].observed["states"]["fire_119.incidents"] == "missing"
    with connect("owner") as owner:
        owner.execute(loads, ["committed", "fire_119", "incidents", "failed"])
        owner.execute(loads, ["failed", "safety_inspection", "premises", "committed"])
    _, verdicts = judged(builder, "safety", manifest)
    with connect("owner") as owner:
        owner.execute(loads, ["committed", "safety_inspection", "premises", "failed"])
    assert not_green(verdicts) == {"guard.inputs": "red"}
    assert verdicts["guard.inputs"].observed["never_landed"] == ["safety_inspection.premises"]


def test_contract_checks_find_what_is_wrong_and_show_no_value(gate_database: str, tmp_path: Path) -> None:
    contract, stream = stream_of("household_registry", "residents")
    assert [r.name for r in contract_checks.check_stream(contract, stream) if not r.passed] == []
    wrong = {
        "resident_id": (f"{CANARY}9", "resident_id.format"), "name": (None, "name.given"), "sex": ("男", "sex.code"),
        "ethnic_group": ("han", "ethnic_group.format"), "phone": ("12345", "phone.format"),
        "state": ("gone", "state.code"), "birth_date": (date(1700, 1, 1), "birth_date.plausible"),
        "updated_at": ("2030-01-01", "updated_at.not_in_future"),
    }  # fmt: skip
    with connect("loader") as loader:
        for column, (value, _) in wrong.items():
            loader.execute(
                sql.SQL("UPDATE landing.household_registry__residents SET {} = %s").format(sql.Identifier(column)),
                [value],
            )
        commit_load(loader, stream)
    results = {result.name: result for result in contract_checks.check_stream(contract, stream)}
    failed = {name.removeprefix("gx.household_registry.residents.") for name, r in results.items() if not r.passed}
    assert failed == {check for _, check in wrong.values()}
    found = results["gx.household_registry.residents.resident_id.format"]
    assert (found.rows_checked, found.observed["unexpected_count"]) == (1, 1)
    assert {r.severity for n, r in results.items() if n.endswith(("plausible", "future"))} == {"warn"}
    site = docs.build(tmp_path / "site")
    kept = [*record.folder().glob("*.json"), *site.parent.rglob("*.html")]
    assert len(kept) > 3
    for path in kept:
        assert CANARY not in path.read_text(encoding="utf-8"), path
    assert CANARY not in str(results)
    with connect("loader") as loader:
        loader.execute("TRUNCATE landing.household_registry__residents")
        land(loader, stream)


def test_a_superseded_version_is_not_judged_and_a_second_current_one_is(gate_database: str) -> None:
    contract, stream = stream_of("pension", "pensioners")
    with connect("loader") as loader:
        columns = [column.name for column in stream.columns]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        again = sql.SQL(
            "INSERT INTO landing.pension__pensioners ({names}, _key, _hash, _from_load, _to_load)"
            " SELECT {names}, gen_random_uuid(), _hash, 1, %s FROM landing.pension__pensioners LIMIT 1"
        ).format(names=names)
        loader.execute(again, [2])
        commit_load(loader, stream)
    assert all(result.passed for result in contract_checks.check_stream(contract, stream))
    with connect("loader") as loader:
        loader.execute(again, [None])
        commit_load(loader, stream)
    failed = [result.name for result in contract_checks.check_stream(contract, stream) if not result.passed]
    assert failed == ["gx.pension.pensioners.key.once"]
    with connect("loader") as loader:
        loader.execute("TRUNCATE landing.pension__pensioners")
        land(loader, stream)


def test_an_empty_register_and_one_that_never_landed_do_not_pass(gate_database: str) -> None:
    never = contract_checks.check_stream(*stream_of("video_index", "devices"))
    assert [(result.name, result.passed) for result in never] == [("gx.video_index.devices.load.committed", False)]
    contract, stream = stream_of("video_index", "devices")
    with connect("loader") as loader:
        commit_load(loader, stream)
    empty = contract_checks.check_stream(contract, stream)
    assert [(result.name, result.passed) for result in empty] == [("gx.video_index.devices.rows.present", False)]


def test_the_data_docs_fetch_nothing_from_elsewhere(builder: psycopg.Connection, tmp_path: Path) -> None:
    great.validate("candidate", "grid_risk", SUITES["grid_risk"], role="builder")
    index = docs.build(tmp_path / "site")
    pages = list(index.parent.rglob("*.html"))
    assert any("grid_risk" in path.as_posix() and "validations" in path.as_posix() for path in pages)
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "url('http" not in text and 'src="http' not in text and 'href="http' not in text, page
    assert "16 of 16 met" in index.read_text(encoding="utf-8")


def test_gx_reports_to_nobody_and_leaves_no_connection(builder: psycopg.Connection) -> None:
    great.validate("candidate", "grid_risk", SUITES["grid_risk"][:2], role="builder")
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    left = builder.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'townhub quality'"
    ).fetchone()
    assert left == (0,)


def test_the_guards_are_those_that_are_required() -> None:
    assert all(set(guards.GUARDS) < set(gate.required_checks(family)) for family in FAMILIES.values())
    assert isinstance(SUITES["grid_risk"][0], Check)
