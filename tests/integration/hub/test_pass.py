"""The first pass over a town that nobody knew, and a second one over the same: I2, I3 and what apps then see."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import psycopg
import pytest

from connectors.contract_folder import load_contracts
from pictures.catalogue import PICTURES
from quality.families import FAMILIES
from warehouse import access
from warehouse.grants import PRODUCTS

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Hub, Stage

STEPS = {"extract", "conform", "land", "staging", "resolve", "build", "gate", "publish", "draw"}


def _streams() -> set[tuple[str, str]]:
    contracts = load_contracts().values()
    return {(c.id, name) for c in contracts if c.enabled for name in c.streams}


def test_the_report_is_as_scripts_rely_on(first: Stage) -> None:
    report = first.report
    assert first.code == 0
    assert report["failures"] == []
    told = {
        (system, stream): counts for system, streams in report["systems"].items() for stream, counts in streams.items()
    }
    assert set(told) == _streams()
    for counts in told.values():
        assert set(counts) == {"landed", "unchanged", "quarantined", "tombstoned", "state"}
        assert counts["state"] == "committed"
    for name, total in report["totals"].items():
        assert total == sum(counts[name] for counts in told.values())
    assert report["verdicts"]["green"] > 0
    assert (report["verdicts"]["red"], report["verdicts"]["missing"]) == (0, 0)
    assert set(report["releases"]) == set(FAMILIES)
    assert all(
        release["published"] and release["release_id"] and release["content_hash"]
        for release in report["releases"].values()
    )
    assert len(report["content_hash"]) == 64
    seconds = report["seconds"]
    assert set(seconds) >= {*STEPS, "orchestration", "total"}
    assert seconds["total"] == pytest.approx(sum(seconds[step] for step in {*STEPS, "orchestration"}), rel=0.05)


def test_the_isolated_health_code_is_neither_pulled_nor_shown(hub: Hub, first: Stage) -> None:
    listed = {row["system"]: row["enabled"] for row in hub.answer("systems", "list")}
    assert set(listed) == set(load_contracts())
    assert [system for system, enabled in listed.items() if not enabled] == ["health_code"]
    assert "health_code" not in first.report["systems"]
    assert hub.value("SELECT count(*) FROM control.load WHERE system = 'health_code'") == 0


def test_every_row_is_accounted_for(hub: Hub, first: Stage) -> None:
    """I3, by the tables themselves and not by what the loads say of themselves."""
    loads = hub.rows(
        "SELECT l.load_id, l.system, l.stream, l.rows_in, l.rows_landed, l.rows_unchanged, l.rows_quarantined,"
        " s.landing_schema, s.landing_table FROM control.load l JOIN control.stream s USING (system, stream)"
        " WHERE l.load_id <= %s AND l.state = 'committed'",
        first.last_load,
    )
    assert {(row[1], row[2]) for row in loads} == _streams()
    with hub.connect() as conn:
        for load, system, stream, rows_in, landed, unchanged, quarantined, schema, table in loads:
            query = f'SELECT count(*), count(DISTINCT _key) FROM "{schema}"."{table}" WHERE _from_load = %s'
            assert conn.execute(query.encode(), [load]).fetchone() == (landed, landed), (system, stream)
            refused = conn.execute("SELECT count(*) FROM quarantine.row WHERE load_id = %s", [load]).fetchone()
            assert refused == (quarantined,), (system, stream)
            assert rows_in == landed + unchanged + quarantined, (system, stream)
            told = first.stream(system, stream)
            assert (told["landed"], told["unchanged"], told["quarantined"]) == (landed, unchanged, quarantined)
    assert (
        hub.value("SELECT count(*) FROM control.load WHERE state <> 'committed' AND load_id <= %s", first.last_load)
        == 0
    )


def test_status_accounts_for_every_row_of_every_stream(first: Stage) -> None:
    told = {(row["system"], row["stream"]): row for row in first.more["status"] if row["state"] == "fresh"}
    assert set(told) == _streams()
    for (system, stream), row in told.items():
        counts = first.stream(system, stream)
        assert row["rows_in"] == row["landed"] + row["unchanged"] + row["quarantined"] > 0, (system, stream)
        assert {name: row[name] for name in ("landed", "unchanged", "quarantined", "tombstoned")} == {
            name: counts[name] for name in ("landed", "unchanged", "quarantined", "tombstoned")
        }


def test_a_colour_is_explained_by_the_rows_that_its_build_read(hub: Hub, first: Stage) -> None:
    """The first build's loads are noted with its candidate; the points' evidence is found in landing."""
    (code, hazard) = hub.rows(
        "SELECT premises_code, p -> 'detail' ->> 0 FROM serving.premises_risk, jsonb_array_elements(points) p"
        " WHERE p ->> 'rule' = 'open_hazards' ORDER BY 1 LIMIT 1"
    )[0]
    found = hub.answer("explain", "premises", code)
    assert found["not_green"] == [] and found["verdicts"]["green"] > 0
    assert all(each["noted"] and each["load_id"] <= first.last_load for each in found["inputs"])
    (row,) = found["rows"]
    told = {each["record"] for each in row["sources"]}
    assert {f"safety_inspection/premises/{code}", f"safety_inspection/hazards/{hazard}"} <= told
    weights = [
        rule for rule in row["rules"] if rule["rule"] not in row["row"]["gates"]
    ]  # gates have versions of their own
    assert {rule["version"] for rule in weights} == {row["row"]["score_version"]}


def test_most_enterprises_with_two_years_of_taxes_have_a_trend(hub: Hub, first: Stage) -> None:
    """The bureau's history is long enough to compare two years. What waits in quarantine leaves few without."""
    told = dict(
        hub.rows(
            "SELECT tax_trend, count(*) FROM serving.enterprise_profile"
            " WHERE 'tax_registry' = ANY(registers) AND registered_on < '2024-04-01' AND closed_on IS NULL GROUP BY 1"
        )
    )
    assert told.get("unknown", 0) <= 0.1 * sum(told.values()), told
    assert min(told.get(trend, 0) for trend in ("rising", "falling", "stable")) > 0, told


def test_planted_defects_are_found_with_their_reason(hub: Hub, first: Stage, truth: dict[str, pl.DataFrame]) -> None:
    """Of each kind of fault, in each column, as many are found as were planted, and nothing else is blamed."""
    enabled = {system for system, _ in _streams()}
    planted = truth["defects"].filter(pl.col("system").is_in(enabled) & (pl.col("kind") != "repeated_row"))
    told = hub.rows(
        "SELECT system, stream, column_name, reason, sum(rows)::bigint FROM control.defect"
        " WHERE load_id <= %s GROUP BY 1, 2, 3, 4",
        first.last_load,
    )
    # A line that cannot be decoded has no columns to blame.
    expected = {
        (system, stream, "" if kind == "undecodable_text" else column, kind): rows
        for system, stream, column, kind, rows in planted.group_by("system", "stream", "column", "kind")
        .len()
        .iter_rows()
    }
    found = {(system, stream, column, reason): rows for system, stream, column, reason, rows in told}
    kinds = {kind for _, _, _, kind in expected}
    assert kinds >= {
        "invalid_resident_id", "invalid_credit_code", "invalid_phone", "impossible_date", "undecodable_text",
        "swapped_coordinates", "zero_coordinates", "outside_region", "unknown_code", "missing_required",
    }  # fmt: skip
    for kind in kinds:
        of_kind = {place for place in (*expected, *found) if place[3] == kind}
        hits = sum(min(expected.get(place, 0), found.get(place, 0)) for place in of_kind)
        assert hits >= 0.99 * sum(expected.get(place, 0) for place in of_kind), f"{kind}: missed"
        assert hits >= 0.99 * sum(found.get(place, 0) for place in of_kind), f"{kind}: blamed without a cause"
    assert {place[3] for place in found} <= kinds


def test_the_very_records_are_in_quarantine(hub: Hub, first: Stage, truth: dict[str, pl.DataFrame]) -> None:
    """Each quarantined row with a readable key was spoiled, in just the way that is written beside it.

    The answer key names a record as its source does; a key that conform rewrites (codes, times) is not looked up.
    """
    planted = {
        (system, stream, key, f"{column}:{kind}") for system, stream, key, column, kind in truth["defects"].iter_rows()
    }
    held = hub.rows(
        "SELECT system, stream, record_key, reason FROM quarantine.row, unnest(reasons) reason"
        " WHERE load_id <= %s AND record_key IS NOT NULL",
        first.last_load,
    )
    as_served = {
        (c.id, name)
        for c in load_contracts().values()
        for name, stream in c.streams.items()
        if all(column.logical_type == "string" and not column.codes for column in stream.columns if column.primary_key)
    }
    held = [row for row in held if (row[0], row[1]) in as_served]
    assert held
    assert {row for row in held if row not in planted} == set()


def test_a_row_sent_twice_lands_once(hub: Hub, first: Stage, truth: dict[str, pl.DataFrame]) -> None:
    twice = truth["defects"].filter(pl.col("kind") == "repeated_row")
    assert twice.height > 0
    for system, stream, rows in twice.group_by("system", "stream").len().iter_rows():
        assert first.stream(system, stream)["unchanged"] >= rows


def test_the_queries_of_the_catalogue_are_answered(hub: Hub, first: Stage) -> None:
    with hub.surrounded():
        for product in (product for family in FAMILIES.values() for product in family.products):
            for role in product.audience:
                assert access.run_as(role.removeprefix("townhub_app_"), product.example).columns, product.name


def test_each_app_sees_its_own_and_no_other(hub: Hub, first: Stage) -> None:
    shown = {app: {f"serving.{product}" for product in products} for app, products in PRODUCTS.items()}
    with hub.surrounded():
        for role, views in shown.items():
            for view in set().union(*shown.values()):
                query = f"SELECT count(*) FROM {view}"
                if view in views:
                    assert access.run_as(role, query).rows[0][0] > 0
                else:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        access.run_as(role, query)
    told = hub.answer("sql", "SELECT family, as_of, age FROM serving.release_info", "--role", "safety")
    assert {row["family"] for row in told} >= {"safety"}
    assert all(row["as_of"] == "2026-06-30" and row["age"] for row in told)
    for table in ("serving.welfare_match", "released.premises_risk", "landing.household_registry__residents"):
        assert "permission denied" in hub.refusal("sql", f"SELECT 1 FROM {table}", "--role", "safety")


def test_an_app_looks_up_every_resident_that_it_is_shown(hub: Hub, first: Stage) -> None:
    query = """SELECT count(*) FROM serving.welfare_match w WHERE NOT EXISTS (
        SELECT FROM serving.resident_crosswalk c WHERE c.resident_key = w.resident_key)"""
    with hub.surrounded():
        assert access.run_as("welfare", query).rows == [(0,)]
        assert access.run_as("economy", "SELECT count(*) FROM serving.enterprise_crosswalk").rows[0][0] > 0


def test_the_pictures_of_the_release_are_drawn_as_assets(hub: Hub, first: Stage) -> None:
    listed = {row["page"]: row for row in first.more["pictures"]}
    assert set(listed) == set(PICTURES)
    numbers = {family: release["release_id"] for family, release in first.report["releases"].items()}
    for name, picture in PICTURES.items():
        shown = {f"{family} {numbers[family]}" for family in picture.families}
        assert set(listed[name]["releases"].split(", ")) == shown and listed[name]["says"]
    drawn = hub.rows(
        "SELECT asset_key, count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
        " AND asset_key LIKE '[\"pictures\"%%' GROUP BY 1",
        database="dagster",
    )
    assert {json.loads(key)[1] for key, _ in drawn} == set(PICTURES)


def test_a_second_pass_changes_nothing(first: Stage, second: Stage) -> None:
    report = second.report
    assert second.code == 0
    assert (report["totals"]["landed"], report["totals"]["tombstoned"]) == (0, 0)
    assert report["content_hash"] == first.report["content_hash"]
    for family, release in report["releases"].items():
        assert release == {**first.report["releases"][family], "published": False}
    assert second.releases == first.releases


def test_every_listing_answers(hub: Hub, second: Stage) -> None:
    status = hub.answer("status")
    assert {(row["system"], row["stream"]) for row in status} >= _streams()
    assert {row["state"] for row in status} <= {"fresh", "disabled"}
    assert {row["landed"] for row in status if row["state"] == "fresh"} == {0}
    waiting = hub.answer("quarantine", "list")
    reasons = "SELECT sum(cardinality(reasons))::bigint FROM quarantine.row WHERE state = 'held'"
    assert sum(row["rows"] for row in waiting) == hub.value(reasons)
    assert all(row["remedy"] for row in waiting)
    assert {row["family"] for row in hub.answer("release", "list")} == set(FAMILIES)
    assert hub.answer("holds", "list") == []
    listed = hub.answer("quarantine", "list", "--rows")
    assert len(listed) > len(waiting)
    releases = hub.answer("release", "list", "--family", "safety")
    assert releases[0]["current"] is True
    shown = hub.answer("release", "show", str(releases[-1]["release"]))
    assert shown["verdicts"] and {verdict["state"] for verdict in shown["verdicts"]} == {"green"}
    assert hub.answer("release", "diff", str(releases[0]["release"]), str(releases[0]["release"])) == []
    done = hub.command("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(system in done.stdout for system, _ in _streams())
    assert "no load is held" in hub.command("holds", "list").stdout


def test_a_quarantined_row_is_shown_masked(hub: Hub, second: Stage) -> None:
    number, payload = hub.rows(
        "SELECT quarantine_id, payload::text FROM quarantine.row WHERE system = 'welfare_payment' LIMIT 1"
    )[0]
    shown = json.dumps(hub.answer("quarantine", "show", str(number)), ensure_ascii=False)
    contract = load_contracts()["welfare_payment"].streams["payments"]
    secret = [c.physical_name for c in contract.columns if c.semantic_type in ("cn.resident_id", "cn.person_name")]
    values = [value for name, value in json.loads(payload).items() if name in secret and value]
    assert values
    assert not [value for value in values if str(value) in shown]
