"""dbt over a real warehouse: from landing to candidate products, with the edge cases that end people's benefits."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from quality.families import FAMILIES
from tests.warehouse import service_rows
from tests.warehouse.conftest import AS_OF
from warehouse import build_inputs

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtRun, DbtTown

PRODUCTS = {p.name: ", ".join(p.key_columns) for family in FAMILIES.values() for p in family.products}
GRID, COMMUNITY = "330199103001001", "330199103001"
ELDER, DEAD, HOLDER = "33019919400101001X", "330199193501010026", "330199198001010013"


def _places(town: DbtTown) -> None:
    square = json.dumps(
        {"type": "Polygon", "coordinates": [[[120.0, 30.0], [121.0, 30.0], [121.0, 31.0], [120.0, 30.0]]]}
    )
    border = {"valid_from": "2021-09-01", "geometry": square}
    town.land("grid_map", "communities", {"community_code": COMMUNITY, "name": "c", **border})
    town.land(
        "grid_map", "grids",
        {"grid_code": GRID, "community_code": COMMUNITY, "name": "g", "longitude": 120.1, "latitude": 30.3, **border},
    )  # fmt: skip
    town.land(
        "standard_address", "addresses",
        {"address_code": "D1", "community_code": COMMUNITY, "grid_code": GRID, "full_address": "文一路1号"},
    )  # fmt: skip


def _premises(town: DbtTown) -> None:
    for code, category, visited in (
        ("A1", "street_shop", "2026-06-20"),
        ("A2", "street_shop", "2026-05-01"),
        ("A3", "rental_housing", "2026-06-29"),
        ("A4", "crowded_place", None),
    ):
        town.land(
            "safety_inspection", "premises",
            {"premises_code": code, "name": code, "category": category, "state": "open", "grid_code": GRID,
             "address": f"文二路{code}号", "longitude": 120.1 + int(code[1]) / 100, "latitude": 30.3,
             "opened_on": "2020-01-01", "updated_at": "2026-06-01"},
        )  # fmt: skip
        if visited:
            town.land(
                "safety_inspection", "inspections",
                {"inspection_no": "J" + code, "premises_code": code, "inspector": "X1", "kind": "routine",
                 "result": "pass", "inspected_at": visited + " 10:00:00+08", "updated_at": visited},
            )  # fmt: skip
    hazard = {"hazard_no": "H1", "inspection_no": "JA3", "premises_code": "A3", "kind": "安全出口堵塞",
              "found_at": "2026-06-29 10:00:00+08", "updated_at": "2026-06-29"}  # fmt: skip
    # The earlier version of the hazard was harmless; only the current one counts.
    town.land("safety_inspection", "hazards", {**hazard, "severity": "general"}, current=False)
    town.land("safety_inspection", "hazards", {**hazard, "severity": "major"})
    fire = {
        "reported_at": "2026-06-29 22:00:00+08",
        "disaster_type": "fire",
        "address": "文二路A1号",
        "updated_at": "2026-06-30",
    }
    town.land("fire_119", "incidents", {**fire, "incident_no": "F1", "state": "closed"},
              {**fire, "incident_no": "F2", "state": "false_alarm"})  # fmt: skip


def _registers(town: DbtTown) -> None:
    """What another register knows of premises."""
    town.land(
        "fire_supervision", "inspections",
        {"document_no": "D1", "unit_name": "A1", "address": "文二路A1号", "kind": "spot_check", "major_hazard": False,
         "inspected_on": "2026-03-01", "result": "pass", "updated_at": "2026-03-01"},
    )  # fmt: skip


def _residents(town: DbtTown) -> None:
    for key, number, birth, state in (
        ("R1", ELDER, None, "normal"),
        ("R2", DEAD, None, "normal"),
        ("R3", HOLDER, None, "normal"),
        ("R4", None, "1946-07-01", "normal"),
        ("R5", None, None, "normal"),
    ):
        town.land(
            "household_registry", "residents",
            {"person_no": "N" + key, "resident_id": number, "name": "某某", "birth_date": birth, "household_no": "1",
             "relation": "02", "address_code": "D1", "state": state, "updated_at": "2026-01-01"},
        )  # fmt: skip
        town.link("resident", key, ("household_registry", "residents", "N" + key))
    certificate = HOLDER + "53"
    town.land(
        "disability_certificate", "certificates",
        {"certificate_no": certificate, "name": "某某", "class": "5", "level": "3", "issued_on": "2020-01-01",
         "valid_to": "2030-01-01", "state": "valid"},
    )  # fmt: skip
    town.link("resident", "R3", ("disability_certificate", "certificates", certificate))
    town.land(
        "minimum_living", "members",
        {"family_no": "F1", "member_no": "01", "name": "某某", "category": "dibao", "approved_amount": 900,
         "valid_from": "2026-01-01", "valid_to": "2026-12-31", "updated_at": "2026-01-01"},
    )  # fmt: skip
    town.link("resident", "R5", ("minimum_living", "members", "F1|01"))
    town.land(
        "death_register", "deaths",
        {"notice_no": "S1", "resident_id": DEAD, "name": "某某", "died_on": "2026-05-01", "kind": "cremation",
         "updated_at": "2026-06-01"},
    )  # fmt: skip
    for number, key, payee in (("Z1", "R1", ELDER), ("Z2", "R2", DEAD)):
        town.land(
            "welfare_payment", "payments",
            {"payment_no": number, "policy_code": "P08", "resident_id": payee, "name": "某某", "period": "2026",
             "amount": 600, "account_no": "6299", "state": "paid", "paid_on": "2026-04-27", "updated_at": "2026-04-27"},
        )  # fmt: skip
        town.link("resident", key, ("welfare_payment", "payments", number))


def _care(town: DbtTown) -> None:
    town.land(
        "elder_door_sensor", "devices",
        {"device_id": "869999010000017", "resident_id": ELDER, "address_code": "D1", "installed_on": "2026-01-01"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def build(dbt_town: DbtTown) -> DbtRun:
    """The whole project built once, its unit tests included."""
    _places(dbt_town)
    _premises(dbt_town)
    _registers(dbt_town)
    _residents(dbt_town)
    _care(dbt_town)
    service_rows.land(dbt_town)
    dbt_town.load_everything()
    return dbt_town.dbt("build")


def colours(town: DbtTown) -> dict[str, str]:
    return dict(town.rows("SELECT premises_code, colour FROM candidate.premises_risk"))


def matches(town: DbtTown) -> dict[tuple[str, str], tuple[Any, ...]]:
    found = town.rows("SELECT resident_key, policy_code, outcome, receiving, finding FROM candidate.welfare_match")
    return {(row[0], row[1]): row[2:] for row in found}


def content(town: DbtTown) -> list[Any]:
    return [
        town.rows(f"SELECT md5(string_agg(t::text, '|' ORDER BY {key})) FROM candidate.{product} AS t")
        for product, key in PRODUCTS.items()
    ]


def test_everything_builds_and_every_test_passes(build: DbtRun) -> None:
    assert build.code == 0, build.output[-4000:]
    results = build.results()
    assert set(results.values()) == {"success", "pass"}
    manifest = build.manifest()
    assert len(manifest["unit_tests"]) >= 60
    assert set(manifest["unit_tests"]) <= {f"unit_test.townhub.{name}" for name in results}


def test_what_is_taken_in_beside_a_build_waits_for_the_next(build: DbtRun, dbt_town: DbtTown) -> None:
    """A build reads every stream up to the load that was its last when the build began."""
    states = "SELECT severity FROM staging.stg_safety_inspection__hazards WHERE hazard_no = 'H1'"
    held = "SELECT count(*) FROM control.held_rows"
    try:
        with psycopg.connect(dbt_town.url) as conn:
            build_inputs.fix(conn)
            last = conn.execute(
                "SELECT load_id FROM control.build_input WHERE (system, stream) = ('safety_inspection', 'hazards')"
            ).fetchone()[0]  # type: ignore[index]
            hazards = "UPDATE landing.safety_inspection__hazards SET _to_load = %s WHERE _to_load IS NULL"
            conn.execute(hazards, [last + 1])
            conn.execute(
                "INSERT INTO quarantine.row (system, stream, load_id, last_load_id, payload_digest, reasons, state, "
                "settled_by_load) VALUES ('safety_inspection', 'hazards', 1, 1, 'a', '{x}', 'superseded', %s), "
                "('safety_inspection', 'hazards', %s, %s, 'b', '{x}', 'held', NULL)",
                [last + 1, last + 1, last + 1],
            )
        assert dbt_town.rows(states) == [("major",)], "closed by a load beyond the bound"
        assert dbt_town.rows(held) == [(1,)], "the one settled beyond the bound still waits, the later one is not there"
        with psycopg.connect(dbt_town.url) as conn:
            build_inputs.lift(conn)
        assert (dbt_town.rows(states), dbt_town.rows(held)) == ([], [(1,)])
    finally:
        with psycopg.connect(dbt_town.url) as conn:
            build_inputs.lift(conn)
            conn.execute("DELETE FROM quarantine.row")
            conn.execute(
                "UPDATE landing.safety_inspection__hazards SET _to_load = NULL WHERE _to_load > 2 OR severity = 'major'"
            )


def test_premises_have_their_colours(build: DbtRun, dbt_town: DbtTown) -> None:
    assert colours(dbt_town) == {"A1": "green", "A2": "grey", "A3": "red", "A4": "grey"}
    ((points, score),) = dbt_town.rows("SELECT points, score FROM candidate.premises_risk WHERE premises_code = 'A1'")
    assert {point["rule"]: point["points"] for point in points} == {
        "category": 8.0,
        "fire_incidents": 12.0,
    }
    assert score == 20


def test_a_grid_of_too_few_premises_is_grey(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows("SELECT colour, premises_count, scored_count, coverage FROM candidate.grid_risk") == [
        ("grey", 4, 2, 0.5)
    ]


def test_residents_have_their_matches(build: DbtRun, dbt_town: DbtTown) -> None:
    assert matches(dbt_town) == {
        ("R1", "P08"): ("eligible", True, "as_due"),
        ("R2", "P08"): ("not_eligible", True, "receiving_not_found_eligible"),  # died, still paid
        ("R3", "P06"): ("unknown", False, "undecided"),  # no income is told
        ("R3", "P07"): ("eligible", False, "unclaimed"),
        ("R4", "P08"): ("not_eligible", False, "not_due"),  # 80 tomorrow, which is another month
        ("R5", "P01"): ("eligible", False, "unclaimed"),
        ("R5", "P05"): ("not_eligible", False, "not_due"),  # no bill was filed
        ("R5", "P08"): ("unknown", False, "undecided"),  # no birth date
        ("R5", "P09"): ("unknown", False, "undecided"),
    }


def test_products_are_shaped_as_they_are_released(build: DbtRun, dbt_town: DbtTown) -> None:
    for product in PRODUCTS:
        shape = (
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
            "WHERE a.attrelid = '{}.{}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        )
        released = dbt_town.rows(shape.format("released", product))
        assert dbt_town.rows(shape.format("candidate", product)) == [
            column for column in released if column[0] not in {"from_release", "to_release"}
        ]


def test_products_tell_no_name_and_no_number(build: DbtRun, dbt_town: DbtTown) -> None:
    for product in PRODUCTS:
        told = "".join(row[0] for row in dbt_town.rows(f"SELECT t::text FROM candidate.{product} AS t"))
        assert told
        assert not [secret for secret in (ELDER, DEAD, HOLDER, "某某", "6299") if secret in told]


def test_products_read_only_what_serves_their_purpose(build: DbtRun, dbt_town: DbtTown) -> None:
    """By table: every system behind a product is permitted for the product's purpose, or public geography."""
    manifest = build.manifest()

    def systems(node: str) -> set[str]:
        if node.startswith("source."):
            return {node.split(".")[2]} & set(dbt_town.contracts)
        return set().union(*(systems(parent) for parent in manifest["parent_map"][node]))

    for product, purpose in (
        ("premises_risk", "premises_safety"), ("grid_risk", "premises_safety"), ("welfare_match", "welfare_delivery"),
        ("welfare_reconciliation", "welfare_delivery"),
        ("event", "event_handling"), ("event_hotspot", "event_handling"),
    ):  # fmt: skip
        behind = systems(f"model.townhub.{product}")
        assert len(behind) >= 3
        forbidden = {name for name in behind if not {purpose, "any"} & set(dbt_town.contracts[name].purposes)}
        assert forbidden == set()


def test_building_again_gives_the_same_content(build: DbtRun, dbt_town: DbtTown) -> None:
    before = content(dbt_town)
    assert dbt_town.dbt("run", "--select", "core", "products").code == 0
    assert content(dbt_town) == before


def test_failed_inputs_turn_results_unknown_and_back(build: DbtRun, dbt_town: DbtTown) -> None:
    """The newest load failed; the last good rows are still there and must not be taken for today's truth."""
    before = content(dbt_town)
    failed = (("fire_119", "incidents"), ("disability_certificate", "certificates"), ("welfare_payment", "payments"))
    for system, stream in failed:
        dbt_town.load(system, stream, "failed")
    dbt_town.rebuild("dim_input")
    assert colours(dbt_town) == {"A1": "grey", "A2": "grey", "A3": "red", "A4": "grey"}
    found = matches(dbt_town)
    assert found["R3", "P07"] == ("unknown", None, "undecided")
    assert found["R1", "P08"] == ("eligible", None, "undecided")
    for system, stream in failed:
        dbt_town.load(system, stream)
    dbt_town.rebuild("dim_input")
    assert content(dbt_town) == before


def hold(town: DbtTown, system: str, stream: str, record_key: str | None, **fields: str) -> None:
    """A row that waits in quarantine, with the upstream's fields that it came with."""
    with psycopg.connect(town.url) as conn:
        conn.execute(
            "INSERT INTO quarantine.row (system, stream, load_id, record_key, payload, payload_text, payload_digest, "
            "reasons) VALUES (%s, %s, 1, %s, %s, '{}', decode(md5(random()::text), 'hex'), '{state:unknown_code}')",
            [system, stream, record_key, json.dumps(fields)],
        )


def settle(town: DbtTown) -> None:
    """A steward discards all that waits."""
    with psycopg.connect(town.url) as conn:
        conn.execute("UPDATE quarantine.row SET state = 'discarded'")


def test_held_rows_turn_a_no_unknown_until_they_are_settled(build: DbtRun, dbt_town: DbtTown) -> None:
    """They count while they wait, not in the load that brought them: these rows are of no load in the ledger."""
    before = content(dbt_town)
    hold(dbt_town, "household_registry", "residents", "NR4")
    hold(dbt_town, "household_registry", "residents", None)
    for _ in range(2):  # the second time after another load that rejected nothing
        dbt_town.rebuild("dim_input", "int_welfare_held")
        found = matches(dbt_town)
        assert found["R4", "P08"] == ("unknown", False, "undecided")
        assert found["R2", "P08"] == ("not_eligible", True, "receiving_not_found_eligible")  # a death is known
        assert found["R1", "P08"] == ("eligible", True, "as_due")
        assert dbt_town.rows(
            "SELECT rows_held FROM core.dim_input WHERE (system, stream) = ('household_registry', 'residents')"
        ) == [(2,)]
        dbt_town.load("household_registry", "residents")
    settle(dbt_town)
    dbt_town.rebuild("dim_input", "int_welfare_held")
    assert content(dbt_town) == before


def test_held_orders_are_neither_paid_nor_unclaimed_until_they_are_settled(build: DbtRun, dbt_town: DbtTown) -> None:
    """A version of an order that landed, and two orders that never did: of the two who seem to receive nothing."""
    before, models = content(dbt_town), ("dim_input", "int_welfare_held", "int_welfare_receiving")
    hold(dbt_town, "welfare_payment", "payments", "Z1")
    hold(dbt_town, "welfare_payment", "payments", "Z8")
    dbt_town.rebuild(*models)
    assert matches(dbt_town)["R1", "P08"] == ("eligible", None, "undecided")
    assert matches(dbt_town)["R3", "P07"] == ("eligible", False, "unclaimed"), "one of two is not most of them"
    hold(dbt_town, "welfare_payment", "payments", None)
    dbt_town.rebuild(*models)
    found = matches(dbt_town)
    assert (found["R3", "P07"], found["R5", "P01"]) == (("eligible", None, "undecided"),) * 2
    assert found["R4", "P08"] == ("not_eligible", False, "not_due")
    settle(dbt_town)
    dbt_town.rebuild(*models)
    assert content(dbt_town) == before


def test_held_rows_turn_green_grey_until_they_are_settled(build: DbtRun, dbt_town: DbtTown) -> None:
    """A hazard that never landed, by the code in its row; one of premises that are red already; one of nobody known."""
    before = content(dbt_town)
    hold(dbt_town, "safety_inspection", "hazards", "H9", csbm="A1", dj="9")
    hold(dbt_town, "safety_inspection", "hazards", "H1", dj="9")
    hold(dbt_town, "safety_inspection", "inspections", None, csbm="A99")
    models = "dim_input", "int_premises_held"
    dbt_town.rebuild(*models)
    assert colours(dbt_town) == {"A1": "grey", "A2": "grey", "A3": "red", "A4": "grey"}
    told = (
        "SELECT premises_code, held_inputs FROM candidate.premises_risk WHERE cardinality(held_inputs) > 0 ORDER BY 1"
    )
    assert dbt_town.rows(told) == [("A1", ["safety_inspection.hazards"]), ("A3", ["safety_inspection.hazards"])]
    assert dbt_town.rows("SELECT state, due_on FROM candidate.inspection_plan WHERE premises_code = 'A1'") == [
        ("due", date.fromisoformat(AS_OF))
    ]
    assert dbt_town.rows("SELECT scored_count, rows_held, rows_held_unplaced FROM candidate.grid_risk") == [(1, 2, 1)]
    closures = "SELECT category, open_hazards, rows_held FROM candidate.hazard_closure WHERE state = 'incomplete'"
    assert sorted(dbt_town.rows(closures)) == [("rental_housing", 1, 1), ("street_shop", 0, 1)]
    settle(dbt_town)
    dbt_town.rebuild(*models)
    assert content(dbt_town) == before


def test_the_models_see_which_records_are_held_and_nothing_else(dbt_town: DbtTown) -> None:
    hold(dbt_town, "household_registry", "residents", "N9", rkbh="N9", sfzh=ELDER)
    hold(dbt_town, "health_code", "codes", "somebody", **dict.fromkeys(("wgbm", "sqbm", "grid_code"), "G1"))
    hold(dbt_town, "safety_inspection", "hazards", "H9", csbm="A1", jcbh="J1", lx="a name", fcr="X1")
    # A number of a person in the place of a code is told to nobody.
    hold(dbt_town, "safety_inspection", "hazards", "H8", csbm=ELDER, jcbh="J1")
    with psycopg.connect(dbt_town.url) as conn:
        isolated = conn.execute(
            "UPDATE quarantine.row SET stream = s.stream FROM control.stream AS s "
            "WHERE s.landing_schema = 'isolated' AND quarantine.row.system = s.system RETURNING 1"
        ).rowcount
        assert isolated == 1
        conn.execute("SET LOCAL ROLE townhub_builder")
        seen = conn.execute("SELECT * FROM control.held_rows ORDER BY system, record_key").fetchall()
        assert [(row[0], row[2], row[4]) for row in seen] == [
            ("health_code", None, {}),
            ("household_registry", "N9", {}),
            ("safety_inspection", "H8", {"inspection_no": "J1"}),
            ("safety_inspection", "H9", {"premises_code": "A1", "inspection_no": "J1"}),
        ]
        assert all(len(row) == 5 for row in seen)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT payload_text FROM quarantine.row")
    with psycopg.connect(dbt_town.url) as conn:
        conn.execute("DELETE FROM quarantine.row")


@pytest.mark.parametrize("day", [None, "30.6.2026"])
def test_the_day_must_be_given(dbt_town: DbtTown, day: str | None) -> None:
    run = dbt_town.dbt("compile", "--select", "premises_risk", as_of=day)
    assert run.code != 0
    assert "pass --vars '{as_of: YYYY-MM-DD}'" in run.output
