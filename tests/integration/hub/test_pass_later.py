"""A day on which little changed is built from the day before, and comes to what everything built anew does."""

from __future__ import annotations

from psycopg import sql

from connectors.contract_folder import load_contracts
from orchestration import increments
from tests.integration.hub.conftest import Hub, Stage


def test_only_rows_that_changed_are_made_anew(later_day: Stage) -> None:
    assert later_day.code == 0
    anew, tables = later_day.more["made anew"], later_day.more["tables"]
    assert set(anew) == set(tables)
    for model, (rows, _) in tables.items():
        assert anew[model] <= 0.2 * rows, model
    assert anew["fct_event"] > 0


def test_staging_that_stands_is_not_told_as_made(later_day: Stage) -> None:
    assert later_day.more["told as made"]["core"] > 40
    assert "staging" not in later_day.more["told as made"]


def test_no_keys_of_records_are_left_behind(hub: Hub, later_day: Stage) -> None:
    left = hub.value(
        "SELECT (SELECT count(*) FROM control.changed_record) + (SELECT count(*) FROM control.changed_key)"
    )
    assert left == 0


def test_a_broken_contract_stops_its_own_system_alone(later_day: Stage, mistaken: Stage) -> None:
    """The others are taken in; what reads the system keeps its last release; who names it is told why."""
    before, found = later_day.report, mistaken.report
    assert mistaken.code == 1
    assert "fire_119 is not taken in, because its contract is refused" in mistaken.said
    assert "fire_119.odcs.yaml:" in mistaken.said
    held = ["publish enforcement", "publish safety"]
    assert [failure.split(":")[0] for failure in found["failures"]] == ["build", *held]
    assert all("guard.inputs is red" in failure for failure in found["failures"][1:])
    assert set(found["systems"]) == set(before["systems"]) - {"fire_119"}
    assert found["releases"]["safety"]["release_id"] == before["releases"]["safety"]["release_id"]
    assert found["content_hash"] == before["content_hash"]
    rows = {(row["system"], row["stream"]): row for row in mistaken.more["status"]}
    shown = rows["fire_119", "incidents"]
    assert shown["state"] == "broken" and "'strong' cannot be landed" in shown["error"] and shown["age_seconds"]
    assert rows["police_110", "incidents"]["state"] == "fresh"
    assert "the contract of fire_119 is refused" in mistaken.more["refusal"]
    assert "Use string" in mistaken.more["refusal"]
    told = {row["system"]: row["mistakes"] for row in mistaken.more["systems"]}
    assert [system for system, mistakes in told.items() if mistakes] == ["fire_119"]


def test_everything_built_anew_is_the_same(later_day: Stage, later_day_anew: Stage) -> None:
    assert later_day_anew.code == 0
    assert later_day_anew.more["made anew"] == {}
    assert later_day_anew.more["tables"] == later_day.more["tables"]
    assert later_day_anew.report["content_hash"] == later_day.report["content_hash"]


def test_records_are_followed_by_the_key_that_staging_gives_them(hub: Hub, later_day_anew: Stage) -> None:
    """What landed is looked for by `increments.record_key`; a key that staging spells otherwise would be missed."""
    staged = {str(row[0]) for row in hub.rows("SELECT viewname FROM pg_views WHERE schemaname = 'staging'")}
    looked_at = 0
    for contract in load_contracts().values():
        for stream in contract.streams.values():
            if (view := f"stg_{stream.system}__{stream.name}") not in staged or stream.isolated:
                continue
            query = sql.SQL(
                "SELECT count(*), count(l.key) FROM {} s"
                " LEFT JOIN (SELECT {} FROM {} WHERE _to_load IS NULL) AS l (key) ON l.key = s.record_key"
            ).format(
                sql.Identifier("staging", view),
                increments.record_key(stream),
                sql.Identifier(stream.landing_schema, stream.landing_table),
            )
            with hub.connect("builder") as conn:
                row = conn.execute(query).fetchone()
            assert row is not None and row[0] == row[1], f"{stream.system}.{stream.name}: {row}"
            looked_at += row[0]
    assert looked_at > 10_000
