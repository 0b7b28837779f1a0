"""The products of the safety office over a small landed town: plan, closing of hazards, premises without a code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtRun, DbtTown

GRID, EMPTY_GRID, COMMUNITY = "330199103001001", "330199103001002", "330199103001"
PRODUCTS = ("inspection_plan", "hazard_closure", "uninspected_premises")


def _places(town: DbtTown) -> None:
    square = json.dumps(
        {"type": "Polygon", "coordinates": [[[120.0, 30.0], [121.0, 30.0], [121.0, 31.0], [120.0, 30.0]]]}
    )
    border = {"valid_from": "2021-09-01", "geometry": square}
    town.land("grid_map", "communities", {"community_code": COMMUNITY, "name": "c", **border})
    for grid in (GRID, EMPTY_GRID):
        town.land(
            "grid_map", "grids",
            {"grid_code": grid, "community_code": COMMUNITY, "name": "g", "longitude": 120.1, "latitude": 30.3,
             **border},
        )  # fmt: skip


def _premises(town: DbtTown) -> None:
    for code, visited in (("A1", "2026-06-20"), ("A2", "2026-05-01"), ("A3", None)):
        town.land(
            "safety_inspection", "premises",
            {"premises_code": code, "name": code, "category": "street_shop", "state": "open", "grid_code": GRID,
             "address": f"文二路{code[1]}号", "longitude": 120.1, "latitude": 30.3, "opened_on": "2020-01-01",
             "updated_at": "2026-06-01"},
        )  # fmt: skip
        if visited:
            town.land(
                "safety_inspection", "inspections",
                {"inspection_no": "J" + code, "premises_code": code, "inspector": "XC0001", "kind": "routine",
                 "result": "hazard", "inspected_at": visited + " 10:00:00+08", "updated_at": visited},
            )  # fmt: skip
    hazard = {"inspection_no": "JA1", "premises_code": "A1", "kind": "安全出口堵塞", "severity": "general",
              "found_at": "2026-06-20 10:00:00+08", "due_on": "2026-06-25", "updated_at": "2026-06-29"}  # fmt: skip
    mended = {**hazard, "fixed_at": "2026-06-24 10:00:00+08"}
    town.land("safety_inspection", "hazards", {**hazard, "hazard_no": "H1"}, {**mended, "hazard_no": "H2"},
              {**mended, "hazard_no": "H3", "reinspected_by": "XC0002"})  # fmt: skip
    town.land(
        "safety_inspection", "inspections",
        {"inspection_no": "JA1-2", "premises_code": "A1", "inspector": "XC0002", "kind": "reinspection",
         "result": "pass", "inspected_at": "2026-06-24 15:00:00+08", "updated_at": "2026-06-24"},
    )  # fmt: skip


def _registers(town: DbtTown) -> None:
    for number, code in (("1", "A1"), ("8", None)):
        document = {"document_no": "D" + number, "unit_name": "小店", "address": f"听澜镇文二路{number}号",
                    "kind": "spot_check", "inspected_on": "2026-03-01", "hazards": 0, "major_hazard": False,
                    "result": "pass", "updated_at": "2026-03-01"}  # fmt: skip
        town.land("fire_supervision", "inspections", document)
        town.land(
            "standard_address", "addresses",
            {"address_code": "S" + number, "community_code": COMMUNITY, "grid_code": GRID,
             "full_address": f"安澜区听澜镇文二路{number}号"},
        )  # fmt: skip
        coded = [("safety_inspection", "premises", code)] if code else []
        town.link("premises", "P" + number, ("fire_supervision", "inspections", "D" + number), *coded)


@pytest.fixture(scope="module")
def build(dbt_town: DbtTown) -> DbtRun:
    """The safety products and all that they rest on, built once (test_dbt_build runs the unit tests)."""
    _places(dbt_town)
    _premises(dbt_town)
    _registers(dbt_town)
    dbt_town.load_everything()
    selected = [f"+{product}" for product in PRODUCTS]
    mine = ("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")
    return dbt_town.dbt("build", *mine, "--select", *selected)


def test_they_build_and_every_test_passes(build: DbtRun) -> None:
    assert build.code == 0, build.output[-6000:]
    assert set(build.results().values()) == {"success", "pass"}


def test_the_plan_says_when_and_by_whom_not(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows(
        "SELECT premises_code, colour, state, days_overdue, needs_other_inspector, not_by"
        " FROM candidate.inspection_plan ORDER BY 1"
    ) == [
        ("A1", "green", "later", 0, True, ["XC0001"]),
        ("A2", "grey", "overdue", 30, False, []),
        ("A3", "grey", "overdue", 2342, False, []),
    ]


def test_every_grid_has_its_closing_of_hazards(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows(
        "SELECT hazards, open_hazards, overdue, unconfirmed, closed_on_time, reinspected_share::float"
        f" FROM candidate.hazard_closure WHERE grid_code = '{GRID}' AND category = 'street_shop'"
    ) == [(3, 1, 1, 1, 1, 0.5)]
    assert dbt_town.rows("SELECT count(*), sum(hazards) FROM candidate.hazard_closure") == [(16, 3)]


FOUND = "SELECT record_key, finding, confidence, covered_by, grid_code FROM candidate.uninspected_premises ORDER BY 1"


def test_registers_minus_inspected(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows(FOUND) == [
        ("D1", "covered", "high", "A1", GRID),
        ("D8", "uncovered", "high", None, GRID),
    ]


def test_products_are_shaped_as_they_are_released(build: DbtRun, dbt_town: DbtTown) -> None:
    shape = (
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
        "WHERE a.attrelid = '{}.{}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
    )
    for product in PRODUCTS:
        released = dbt_town.rows(shape.format("released", product))
        assert dbt_town.rows(shape.format("candidate", product)) == [
            column for column in released if column[0] not in {"from_release", "to_release"}
        ]


def test_without_the_codes_nobody_is_called_uninspected(build: DbtRun, dbt_town: DbtTown) -> None:
    dbt_town.load("safety_inspection", "premises", "failed")
    dbt_town.rebuild("dim_input")
    assert {row[1] for row in dbt_town.rows(FOUND)} == {"unknown"}
    assert dbt_town.rows("SELECT DISTINCT state FROM candidate.inspection_plan") == [("unknown",)]
    assert dbt_town.rows("SELECT DISTINCT state, hazards FROM candidate.hazard_closure") == [("unknown", None)]
