"""`townhub explain` and `release explain`: down to the rows that the build read, and nobody's values shown."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from quality import explain
from quality.families import FAMILIES
from resolution.errors import IdentityError
from tests.integration.lineage.conftest import GRID, KEY, NEIGHBOUR, OLD, PERSONAL, PREMISES, Town, match, premises
from warehouse import audit
from warehouse.connection import connect
from warehouse.errors import ReleaseError

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    assert not any(value in done.output for value in PERSONAL), "personal data in the terminal"
    return done.output


def document(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def sources(row: dict[str, Any]) -> dict[str, tuple[int, str]]:
    return {each["record"]: (each["load"], each["state"]) for each in row["sources"]}


@pytest.mark.parametrize("name", ["PC1", PREMISES])
def test_a_colour_is_followed_to_the_rows_that_the_build_read(town: Town, name: str) -> None:
    found = document("explain", "premises", name)
    assert found["release"]["release"] == 1 and found["verdicts"] == {"green": 2} and found["not_green"] == []
    (row,) = found["rows"]
    assert row["key"] == {"premises_code": "PC1"} and row["row"]["reason"] == "green: score 16"
    assert sources(row) == {
        "safety_inspection/premises/PC1": (1, "current"),
        "safety_inspection/inspections/JC001": (2, "current"),
        "safety_inspection/hazards/YH001": (3, "closed"),  # as the build read it; load 8 changed it since
    }
    assert list(row["row"])[:4] == ["premises_code", "premises_key", "enterprise_key", "name"], "as the view has them"
    assert "rule\tdetail\tpoints\ncategory\tstreet_shop\t8" in run("explain", "premises", name)
    hazard = next(each for each in row["sources"] if "hazards" in each["record"])
    assert (hazard["closed_by"], hazard["values"]["severity"]) == (8, "serious")
    shop = next(each for each in row["sources"] if "/premises/" in each["record"])
    assert shop["values"]["contact_phone"] == "••• (11 characters)" and shop["values"]["name"] == "小店"
    words = {(rule["rule"], rule["item"]): rule["words"] for rule in row["rules"]}
    assert words == {
        ("cadence", "green"): "once a month",
        ("category", "street_shop"): None,
        ("colour", "red_from"): None,
        ("open_hazard", "serious"): "per hazard not closed",
    }


def test_inputs_say_whose_they_are_and_how_they_stood(town: Town) -> None:
    inputs = {f"{each['system']}.{each['stream']}": each for each in document("explain", "grid", "G1")["inputs"]}
    assert set(inputs) == {f"{system}.{stream}" for system, stream in FAMILIES["safety"].inputs}
    hazards = inputs["safety_inspection.hazards"]
    assert (hazards["owner"], hazards["legal_basis"]) == ("镇平安办", "zj-public-data-2022")
    assert (hazards["load_id"], hazards["noted"], hazards["newest_load"]) == (3, True, 8)
    assert (hazards["state_then"], hazards["state_now"]) == ("fresh", "fresh")
    missing = inputs["fire_119.incidents"]
    assert (missing["load_id"], missing["state_now"]) == (None, "missing")


def test_a_grid_stands_on_its_border_and_its_premises(town: Town) -> None:
    (row,) = document("explain", "grid", "G1")["rows"]
    assert set(sources(row)) == {
        "grid_map/grids/G1|2020-01-01", "safety_inspection/premises/PC1", "safety_inspection/premises/PC2",
    }  # fmt: skip


@pytest.mark.parametrize("key", [KEY, OLD])
def test_a_welfare_match_shows_its_own_policys_records_and_nobody_elses(town: Town, key: str) -> None:
    found = document("explain", "welfare", key, "P08")
    (row,) = found["rows"]
    masked = "••• (6 characters)"
    assert sorted((each["record"], each["load"]) for each in row["sources"]) == [
        (f"household_registry/residents/{masked}", 5), (f"welfare_payment/payments/{masked}", 6),
    ]  # fmt: skip
    assert {each["values"].get("policy_code", "P08") for each in row["sources"]} == {"P08"}
    assert row["row"]["evidence"]["records"][0]["record"] == row["row"]["evidence"]["payments"][0] == masked
    assert {(rule["rule"], rule["item"], rule["version"]) for rule in row["rules"]} == {
        ("P08", "高龄津贴", "P08-1"), ("P08.starting_age", None, "illustrative"),
    }  # fmt: skip
    assert not any(each["noted"] for each in found["inputs"] if each["load_id"]), "the newest before the candidate"
    assert len(document("explain", "welfare_match", key)["rows"]) == 1


def test_a_resident_is_shown_by_records_and_products(town: Town) -> None:
    found = document("explain", "resident", KEY)
    assert len(found["records"]) == 3 and {each["link_kind"] for each in found["records"]} == {"exact"}
    assert [each["product"] for each in found["products"]] == ["welfare_match"]
    text = run("explain", "resident", KEY)
    assert "registered here, age 86" in text and "rows behind it" in text and "household_registry.residents" in text
    with pytest.raises(IdentityError, match="key of premises"):
        run("explain", "resident", PREMISES)


def test_what_was_shown_before_is_found_by_its_day(town: Town) -> None:
    town.publish("safety", {"premises_risk": [premises("PC9")], "grid_risk": [GRID]}, None)
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    # As if release 1 had been published yesterday.
    town.ask("UPDATE control.release_move SET moved_at = moved_at - interval '1 day' WHERE release_id = 1 RETURNING 1")
    then = document("explain", "premises", "PC1", "--on", yesterday)
    assert then["release"]["release"] == 1 and then["release"]["shown_until"] is not None
    with pytest.raises(explain.NothingToExplain, match=r"last in releases from 1 .* until release 3 .*--on DAY"):
        run("explain", "premises", "PC1")
    with pytest.raises(ReleaseError, match="its first release was published on"):
        run("explain", "premises", "PC1", "--on", "2020-01-01")
    told = document("release", "explain", "safety", "--on", yesterday)
    assert told["release_id"] == 1 and [each["release"] for each in told["seen_that_day"]] == [1]
    assert {each["check"]: each["state"] for each in told["verdicts"]} == {
        "guard.freshness": "green",
        "gx.keys": "green",
    }
    assert {each["load_id"] for each in told["inputs"]} == {1, 2, 3, 4, None}
    today = document("release", "explain", "safety", "--on", TODAY.isoformat())
    assert today["release_id"] == 3 and [each["release"] for each in today["seen_that_day"]] == [1, 3]
    assert {each["load_id"] for each in today["inputs"]} == {1, 2, 8, 4, None}
    assert "why: verdicts" in run("release", "explain", "1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense", "X"], "explain building_economy, .*, grid_risk"),
        (["premises", "PC404"], "no release of premises_risk that is kept has such a row. Name it by PREMISES_CODE"),
        (["premises", "PC1", "P08"], "named by PREMISES_CODE"),
        (["welfare", NEIGHBOUR, "P404"], "no release of welfare_match that is kept has such a row"),
    ],
)
def test_what_cannot_be_explained_says_what_to_ask(town: Town, arguments: list[str], message: str) -> None:
    with pytest.raises(explain.NothingToExplain, match=message):
        run("explain", *arguments)
    with connect() as conn:
        noted = audit.entries(conn, action="explain", limit=1)[0]
    assert noted.detail == {"what": arguments[0], "on": None, "found": False}, "the key may be anybody's number"


def test_every_call_is_on_record(town: Town) -> None:
    run("explain", "welfare", KEY, "P08", "--by", "li")
    with connect() as conn:
        entry = audit.entries(conn, action="explain", limit=1)[0]
    assert (entry.actor, entry.detail) == (
        "li", {"what": "welfare", "on": None, "found": True, "keys": [KEY, "P08"]},
    )  # fmt: skip


def test_a_row_with_many_behind_it_says_that_there_are_more(town: Town) -> None:
    for number in range(60):
        town.land("safety_inspection", "inspections", 2, inspection_no=f"JC9{number:02}", premises_code="PC1")
    (row,) = document("explain", "premises", "PC1")["rows"]
    assert row["more_sources"] == ["safety_inspection.inspections"]
    assert sum("inspections" in each["record"] for each in row["sources"]) == explain.SOURCES
    town.publish("welfare", {"welfare_match": [match(KEY, policy) for policy in ("P01", "P07", "P08")]}, None)
    assert [each["key"]["policy_code"] for each in document("explain", "welfare", KEY)["rows"]] == ["P01", "P07", "P08"]
