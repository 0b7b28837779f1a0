"""A small town with two published families: landed rows with history, linked records, candidates and their verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from connectors.tables import ensure_tables
from tests.candidates import empty_candidates
from tests.integration.release_cases import CANDIDATE_TABLES, DAY, fill
from warehouse import release
from warehouse.connection import connect

MAN, OTHER = "330106198505050019", "330106199003040026"
PERSONAL = (MAN, OTHER, "张伟", "李娜", "13857106602", "文三路1号", "6222021234567890")
KEY, OLD, NEIGHBOUR = "RAAAAAAAAAAAAAAAA", "RBBBBBBBBBBBBBBBB", "RCCCCCCCCCCCCCCCC"
PREMISES = "PAAAAAAAAAAAAAAAA"
SYSTEMS = (
    "safety_inspection", "fire_119", "grid_map", "household_registry", "disability_certificate", "welfare_payment",
    "minimum_living", "migrant_registry", "death_register", "pension", "standard_address", "elder_door_sensor",
    "health_code",
)  # fmt: skip
CHECKS = ("guard.freshness", "gx.keys")

SEEDS = """
CREATE TABLE core.policy_rules (policy_code text, name text, cadence text, grace_days int, rule_version text,
    valid_from date, valid_to date, note text);
INSERT INTO core.policy_rules VALUES
    ('P08', '高龄津贴', 'yearly', 150, 'P08-1', '2020-01-01', '9999-12-31', 'starts with the birth month'),
    ('P08', '高龄津贴', 'yearly', 150, 'P08-0', '2010-01-01', '2019-12-31', 'of old');
CREATE TABLE core.policy_parameters (subject text, item text, band_from numeric, band_to numeric,
    value numeric, unit text, valid_from date, valid_to date, version text, note text);
INSERT INTO core.policy_parameters VALUES
    ('P08', 'starting_age', 0, 0, 80, 'years', '2020-01-01', '9999-12-31', 'illustrative', 'from the birth month on');
CREATE TABLE core.risk_weights (subject text, item text, value numeric, unit text, valid_from date, valid_to date,
    version text, note text);
INSERT INTO core.risk_weights VALUES
    ('category', 'street_shop', 8, 'points', '2020-01-01', '9999-12-31', 'v1', NULL),
    ('category', 'crowded_place', 18, 'points', '2020-01-01', '9999-12-31', 'v1', NULL),
    ('open_hazard', 'serious', 8, 'points', '2020-01-01', '9999-12-31', 'v1', 'per hazard not closed'),
    ('colour', 'red_from', 60, 'points', '2020-01-01', '9999-12-31', 'v1', NULL),
    ('cadence', 'green', 30, 'days', '2020-01-01', '9999-12-31', 'v1', 'once a month'),
    ('penalty', 'other', 2, 'points', '2020-01-01', '9999-12-31', 'v1', 'any other agency'),
    ('staleness', 'cap', 10, 'points', '2020-01-01', '9999-12-31', 'v1', NULL);
CREATE TABLE core.dim_resident (resident_key text, name text, birth_date date);
INSERT INTO core.dim_resident VALUES ('RAAAAAAAAAAAAAAAA', '张伟', '1940-05-05'), ('RCCCCCCCCCCCCCCCC', '李娜', NULL);
"""


class Town:
    """Writes what intake, resolution and the build would have written, and runs of their own connections."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.contracts: dict[str, Contract] = {
            name: contract for name, contract in load_contracts().items() if name in SYSTEMS
        }
        with connect("loader") as conn:
            ensure_tables(conn, self.contracts)

    def load(self, system: str, stream: str) -> int:
        """A committed load; its number."""
        with connect("loader") as conn:
            row = conn.execute(
                "INSERT INTO control.load (load_key, system, stream, contract_version, state, finished_at)"
                " VALUES (gen_random_uuid()::text, %s, %s, '1.0.0', 'committed', clock_timestamp()) RETURNING load_id",
                [system, stream],
            ).fetchone()
        assert row is not None
        return int(row[0])

    def land(self, system: str, stream: str, load: int, replaces: dict[str, Any] | None = None, **values: Any) -> None:
        """Append a version of a record in a load; `replaces` closes the current rows of these values."""
        of = self.contracts[system].streams[stream]
        table = sql.Identifier(of.landing_schema, of.landing_table)
        with connect("loader") as conn:
            for name, value in (replaces or {}).items():
                conn.execute(
                    sql.SQL("UPDATE {} SET _to_load = %s WHERE _to_load IS NULL AND {} = %s").format(
                        table, sql.Identifier(name)
                    ),
                    [load, value],
                )
            if values:
                conn.execute(
                    sql.SQL(
                        "INSERT INTO {} ({}, _key, _hash, _from_load) VALUES ({}, gen_random_uuid(), md5({})::uuid, %s)"
                    ).format(
                        table,
                        sql.SQL(", ").join(map(sql.Identifier, values)),
                        sql.SQL(", ").join(map(sql.Literal, values.values())),
                        sql.Literal(repr(values)),
                    ),
                    [load],
                )

    def link(self, kind: str, key: str, *records: tuple[str, str, str]) -> None:
        with connect("builder") as conn:
            conn.execute(
                "INSERT INTO resolution.entity (entity_key, kind, created_run, updated_run) VALUES (%s, %s, 1, 1)"
                " ON CONFLICT DO NOTHING",
                [key, kind],
            )
            for record in records:
                conn.execute(
                    "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind,"
                    " reason, from_run) VALUES (%s, %s, %s, %s, %s, 'exact', 'identity number', 1)",
                    [kind, *record, key],
                )

    def publish(self, family: str, tables: dict[str, list[dict[str, Any]]], inputs: dict[str, int] | None) -> int:
        """A candidate of these rows, judged green and published; the release."""
        with connect("builder") as conn:
            for table, rows in tables.items():
                fill(conn, table, rows)
            candidate = release.register_candidate(conn, family, DAY, inputs=inputs)
            for check in CHECKS:
                conn.execute(
                    "INSERT INTO control.verdict (family, candidate_id, check_name, state, rows_checked, observed)"
                    " VALUES (%s, %s, %s, 'green', 5, %s)",
                    [family, candidate.candidate_id, check, Jsonb({"safety_inspection.hazards": {"state": "fresh"}})],
                )
            return release.publish(conn, candidate.candidate_id, "tester").release_id

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query.encode(), values).fetchall()


def premises(code: str = "PC1", score: int = 16) -> dict[str, Any]:
    points = [
        {"rule": "category", "points": 8, "detail": "street_shop"},
        {"rule": "open_hazards", "points": 8, "detail": ["YH001"]},
    ]
    return {
        "premises_code": code, "premises_key": PREMISES, "category": "street_shop", "grid_code": "G1", "score": score,
        "colour": "green", "reason": f"green: score {score}", "points": Jsonb(points), "gates": [],
        "unknown_inputs": [], "score_version": "v1",
    }  # fmt: skip


def match(key: str, policy: str = "P08") -> dict[str, Any]:
    evidence = {
        "rules": ["P08.age"],
        "records": [{"system": "household_registry", "stream": "residents", "record": "RY0001"}],
        "payments": ["ZF0001"],
    }
    return {
        "resident_key": key, "policy_code": policy, "outcome": "eligible", "reason": "registered here, age 86",
        "missing_evidence": [], "receiving": True, "finding": "as_due", "amount_due": 100, "rule_version": "P08-1",
        "evidence": Jsonb(evidence),
    }  # fmt: skip


GRID = {"grid_code": "G1", "colour": "blue", "reason": "few", "score_version": "v1"}


@pytest.fixture
def town(fresh_database: str) -> Iterator[Town]:
    """Release 1 of safety rests on loads 1 to 4, release 2 of welfare on 5 to 7; load 8 changed a hazard since."""
    with connect("owner") as owner:
        for family in ("safety", "welfare"):
            for check in CHECKS:
                owner.execute("INSERT INTO control.required_check VALUES (%s, %s)", [family, check])
    with connect("builder") as builder:
        builder.execute(CANDIDATE_TABLES)
        for family in ("safety", "welfare"):
            empty_candidates(builder, family, but=frozenset({"premises_risk", "grid_risk", "welfare_match"}))
        builder.execute(SEEDS)
    made = Town(fresh_database)
    shops, visits, hazards, grids = (
        made.load("safety_inspection", "premises"), made.load("safety_inspection", "inspections"),
        made.load("safety_inspection", "hazards"), made.load("grid_map", "grids"),
    )  # fmt: skip
    made.land("safety_inspection", "premises", shops, premises_code="PC1", name="小店", grid_code="G1",
              contact_phone="13857106602", state="open")  # fmt: skip
    made.land("safety_inspection", "premises", shops, premises_code="PC2", name="大店", grid_code="G1", state="open")
    made.land("safety_inspection", "inspections", visits, inspection_no="JC001", premises_code="PC1", inspector="I7")
    made.land("safety_inspection", "hazards", hazards, hazard_no="YH001", premises_code="PC1", severity="serious")
    made.land("grid_map", "grids", grids, grid_code="G1", valid_from="2020-01-01", community_code="C1", name="一")
    made.link("premises", PREMISES, ("safety_inspection", "premises", "PC1"))

    people, payments, doors = (
        made.load("household_registry", "residents"), made.load("welfare_payment", "payments"),
        made.load("elder_door_sensor", "devices"),
    )  # fmt: skip
    man = {"person_no": "RY0001", "resident_id": MAN, "name": "张伟", "phone": "13857106602", "state": "normal"}
    made.land("household_registry", "residents", people, **man, community_code="C1")
    made.land("household_registry", "residents", people, person_no="RY0002", resident_id=OTHER, name="李娜")
    pay = {"resident_id": MAN, "name": "张伟", "account_no": "6222021234567890", "amount": 100}
    made.land("welfare_payment", "payments", payments, payment_no="ZF0001", policy_code="P08", **pay)
    made.land("welfare_payment", "payments", payments, payment_no="ZF0002", policy_code="P01", **pay)
    made.land("welfare_payment", "payments", payments, payment_no="ZF0003", policy_code="P08", resident_id=OTHER)
    made.land("elder_door_sensor", "devices", doors, device_id="8600001", resident_id=MAN)
    made.land("elder_door_sensor", "readings", doors, device_id="8600001", measured_at="2026-06-01 08:00+08",
              event="open")  # fmt: skip
    made.link("resident", KEY, ("household_registry", "residents", "RY0001"), ("welfare_payment", "payments", "ZF0001"),
              ("welfare_payment", "payments", "ZF0002"))  # fmt: skip
    made.link("resident", NEIGHBOUR, ("household_registry", "residents", "RY0002"),
              ("welfare_payment", "payments", "ZF0003"))  # fmt: skip
    with connect("builder") as builder:
        builder.execute(
            "INSERT INTO resolution.entity (entity_key, kind, status, merged_into, resolves_to, created_run,"
            " updated_run) VALUES (%(old)s, 'resident', 'merged', %(key)s, %(key)s, 1, 1),"
            " ('RRETIRED', 'resident', 'retired', NULL, NULL, 1, 1)",
            {"old": OLD, "key": KEY},
        )
    noted = {"safety_inspection.premises": shops, "safety_inspection.inspections": visits,
             "safety_inspection.hazards": hazards, "grid_map.grids": grids}  # fmt: skip
    made.publish("safety", {"premises_risk": [premises()], "grid_risk": [GRID]}, noted)
    made.publish("welfare", {"welfare_match": [match(KEY), match(NEIGHBOUR)]}, None)
    since = made.load("safety_inspection", "hazards")
    made.land("safety_inspection", "hazards", since, {"hazard_no": "YH001"}, hazard_no="YH001", premises_code="PC1",
              severity="general")  # fmt: skip
    yield made
