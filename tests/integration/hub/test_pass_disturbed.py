"""Dead upstreams, their return, a new contract, and the town's next day, on which a pass is killed: I1, I2, I3, I5 and
I6 over several passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Hub, Stage

DEAD = {"fire_119": "incidents", "household_registry": "residents", "police_110": "incidents"}
"""The police's table lies in the exchange database: taking it away must not be felt by the other tables there."""


def test_a_dead_system_stops_its_own_stream_alone(second: Stage, bereft: Stage) -> None:
    report = bereft.report
    assert bereft.code == 1
    assert set(report["systems"]) == set(second.report["systems"])
    nothing = {"landed": 0, "unchanged": 0, "quarantined": 0, "tombstoned": 0, "state": "failed"}
    alive = {name: streams for name, streams in report["systems"].items() if name not in DEAD}
    assert {name: report["systems"][name] for name in DEAD} == {name: {each: nothing} for name, each in DEAD.items()}
    told = [failure.split(":")[0] for failure in sorted(report["failures"])]
    assert told == [f"{name}.{stream}" for name, stream in DEAD.items()]
    states = {counts["state"] for streams in alive.values() for counts in streams.values()}
    assert states == {"committed"}
    status = {(row["system"], row["stream"]): row for row in bereft.more["status"]}
    for dead in DEAD.items():
        assert status[dead]["state"] == "failed"
        assert status[dead]["error"]


def test_what_rests_on_the_dead_system_is_unknown(second: Stage, bereft: Stage) -> None:
    """I6: only a gate is still certain without the fire dispatches; everything else is grey and says why."""
    assert second.premises.filter(pl.col("colour").is_in(["green", "yellow"])).height > 0
    shown = bereft.premises
    assert shown.height == second.premises.height
    assert shown["unknown_inputs"].list.contains("fire_119.incidents").all()
    gated = pl.col("gates").list.len() > 0
    assert shown.filter(gated).height > 0
    assert set(shown.filter(gated)["colour"]) == {"red"}
    assert set(shown.filter(~gated)["colour"]) == {"grey"}
    releases = bereft.report["releases"]
    assert releases["safety"]["published"]
    before, now = bereft.more["welfare"]
    # Two go by the pension office's list alone; whoever is due anything else must be known to live here.
    resting = {policy for policy, outcome in before if outcome == "eligible"} - {"P10", "P11"}
    assert releases["welfare"]["published"] and "P08" in resting
    assert {policy for policy, outcome in now if outcome in ("eligible", "candidate")} <= {"P10", "P11"}
    assert {policy for policy, outcome in now if outcome == "unknown"} >= resting


def test_all_is_as_if_it_had_never_been_away(second: Stage, healed: Stage) -> None:
    assert healed.code == 0
    assert {healed.stream(*dead)["state"] for dead in DEAD.items()} == {"committed"}
    assert healed.report["content_hash"] == second.report["content_hash"]
    assert healed.report["releases"]["safety"]["published"]
    assert healed.premises.sort("premises_code").equals(second.premises.sort("premises_code"))


def test_a_new_contract_file_is_a_new_system(hub: Hub, first: Stage, healed: Stage) -> None:
    """What the platform serves is taken in once more, by a contract that was only put into the folder."""
    assert set(healed.report["systems"]) == {*DEAD, "second_platform", "safety_inspection"}
    assert healed.stream("second_platform", "events") == first.stream("four_platform", "events")
    landed = hub.value("SELECT count(*) FROM landing.second_platform__events WHERE _to_load IS NULL")
    assert landed == first.stream("four_platform", "events")["landed"]


def test_one_stream_of_a_system_is_taken_in_alone(second: Stage, healed: Stage) -> None:
    assert set(healed.report["systems"]["safety_inspection"]) == {"hazards"}
    assert len(second.report["systems"]["safety_inspection"]) == 3


def test_the_next_day_brings_little(first: Stage, next_day: Stage) -> None:
    assert next_day.code == 0
    assert next_day.more["today"] == "2026-07-01"
    landed, once = next_day.more["landed"], first.report["totals"]["landed"]
    assert 0 < landed < 0.1 * once
    assert {release["as_of"] for release in next_day.releases if release["current"]} == {"2026-07-01"}
    assert next_day.report["verdicts"]["red"] == next_day.report["verdicts"]["missing"] == 0


def test_loads_balance_on_every_day(hub: Hub, next_day: Stage) -> None:
    unbalanced = hub.value(
        "SELECT count(*) FROM control.load WHERE state = 'committed'"
        " AND rows_in <> rows_landed + rows_unchanged + rows_quarantined"
    )
    assert unbalanced == 0
    current, keys = hub.rows(
        "SELECT count(*), count(DISTINCT _key) FROM landing.household_registry__residents WHERE _to_load IS NULL"
    )[0]
    assert current == keys
    assert hub.rows("SELECT DISTINCT system, state FROM control.load WHERE state <> 'committed' ORDER BY 1") == [
        (name, "failed") for name in DEAD
    ]


def test_a_pass_that_was_killed_changed_nothing_of_what_is_shown(healed: Stage, next_day: Stage) -> None:
    """I1 and I5: all was taken in, built and judged; what had been released stood until the next pass published."""
    shown, releases = next_day.more["between"]
    assert (shown, releases) == (healed.report["content_hash"], healed.releases)
    assert next_day.report["failures"] == [] and next_day.report["totals"]["landed"] == 0
    assert next_day.report["content_hash"] != shown


def test_the_same_day_again_changes_nothing(next_day: Stage, next_day_again: Stage) -> None:
    report = next_day_again.report
    assert next_day_again.code == 0
    assert (report["totals"]["landed"], report["totals"]["tombstoned"]) == (0, 0)
    assert report["content_hash"] == next_day.report["content_hash"]
    assert next_day_again.releases == next_day.releases


def test_what_was_shown_before_can_be_asked(hub: Hub, first: Stage, next_day: Stage) -> None:
    """Releases are rows: the first day's colours are still there, and a rollback shows them again."""
    release = first.report["releases"]["safety"]["release_id"]
    with hub.connect("publisher") as conn:
        rows = conn.execute(
            "SELECT r ->> 'premises_code', r ->> 'colour' FROM control.rows_at('premises_risk', %s) r", [release]
        ).fetchall()
    assert dict(rows) == dict(first.premises.select("premises_code", "colour").iter_rows())
