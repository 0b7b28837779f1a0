"""True facts about events: as many as the town has, the same from a later day, about incidents that others tell of."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from simulator.world import World, advance, generate
from simulator.world import calibration as case
from simulator.world.columns import HOUR, WAKING, day_number
from simulator.world.facts import disputes, fire_supervision, patrols, slots, smoke, video
from simulator.world.facts.slots import daily, time_of_day

SCALE = 0.2
KEYS = {
    video.high_alarms: "alarm_id",
    video.street_false_alarms: "alarm_id",
    patrols.quiet: "patrol_id",
    patrols.flights: "flight_id",
    patrols.findings: "finding_id",
    disputes.mediated: "case_id",
    fire_supervision.inspections: "inspection_id",
    smoke.sensors: "install_id",
    smoke.messages: "message_id",
}


@pytest.fixture(scope="module")
def world() -> World:
    return generate(SCALE, 5)


@pytest.fixture(scope="module")
def later(world: World) -> World:
    return advance(world, 12)


def test_there_are_as_many_as_the_town_has(world: World) -> None:
    days = case.HISTORY_DAYS
    assert 50 <= video.high_alarms(world).height / SCALE / days <= 300
    assert 100 <= (patrols.quiet(world).height + case.REPORTS["safety_patrol"] * SCALE) / SCALE / days <= 500
    assert 2 <= patrols.flights(world).height / SCALE / days <= 10
    assert disputes.mediated(world).height == round(disputes.DISPUTES * SCALE)
    assert 1_000 <= fire_supervision.inspections(world).height / SCALE / days * 365 <= 3_000
    assert 5_000 <= smoke.sensors(world).height / SCALE <= 20_000
    assert 4 <= video.high_cameras(world).height <= 30


@pytest.mark.parametrize("fact", KEYS, ids=lambda fact: fact.__name__)
def test_what_was_true_stays_true(fact, world: World, later: World) -> None:  # type: ignore[no-untyped-def]
    """Rows that did not change since are the same, and what changed says so by a time of the days in between."""
    key, before, after = KEYS[fact], fact(world), fact(later)
    for table in (before, after):
        assert table[key].is_unique().all()
    assert after.height >= before.height > 0
    known = after.filter(pl.col(key).is_in(before[key].implode()))
    assert known.height == before.height
    if "updated_at" in before.columns:
        assert before["updated_at"].max() < world.now
        known = known.filter(pl.col("updated_at") < world.now)
        before = before.filter(pl.col(key).is_in(known[key].implode()))
        fresh = after.filter(~pl.col(key).is_in(before[key].implode()))
        assert (fresh["updated_at"] >= world.now).all()
    assert known.sort(key).equals(before.sort(key))


def test_alarms_tell_of_incidents_that_others_tell_of_too_and_of_nothing(world: World) -> None:
    alarms = video.high_alarms(world)
    seen = alarms.filter(pl.col("incident_id").is_not_null())
    assert 0.2 < seen.height / alarms.height < 0.7
    assert seen["incident_id"].n_unique() < seen.height, "one incident raises several alarms"
    both = seen.join(world.incidents, on="incident_id")
    assert both.height == seen.height
    assert ((both["alarmed_at"] - both["occurred_at"]).dt.total_minutes().is_between(0, 120)).all()
    assert set(seen["incident_id"]) <= set(world.reports["incident_id"])
    judged = alarms.filter(pl.col("verdict") != "pending")
    right = (judged["verdict"] == "confirmed") == judged["incident_id"].is_not_null()
    assert 0.95 < right.mean() < 1


def test_a_camera_turns_to_what_it_sees(world: World) -> None:
    cameras = video.high_cameras(world).select("camera_id", camera_lon="lon", camera_lat="lat")
    alarms = video.high_alarms(world).join(cameras, on="camera_id").filter(
        (pl.col("lat") - pl.col("camera_lat")).abs() < 1e-4
    )  # fmt: skip
    east = alarms["lon"] > alarms["camera_lon"] + 1e-3
    assert alarms.filter(east)["bearing"].is_between(80, 100).all() and east.sum() > 0


def test_drones_find_what_lies_under_their_track(world: World) -> None:
    found = patrols.findings(world).join(patrols.flights(world), on="flight_id")
    assert found["found_at"].is_between(found["took_off_at"], found["landed_at"]).all()
    real = found.filter(pl.col("incident_id").is_not_null()).join(world.incidents, on="incident_id", suffix="_true")
    assert real.height > 20
    assert real.select(pl.col("grid_ids").arr.contains(pl.col("grid_id"))).to_series().all()
    assert (real["occurred_at"] < real["took_off_at"]).all()
    assert (real["address_id"].is_null()).all()


def test_disputes_before_the_centre_are_incidents(world: World) -> None:
    cases = disputes.mediated(world).join(world.incidents, left_on="case_id", right_on="incident_id")
    assert (cases["kind"] == "dispute").all()
    assert (cases["accepted_at"] > cases["occurred_at"]).all()
    assert (cases["result"].is_null() == cases["closed_at"].is_null()).all()


def test_smoke_sensors_hear_fires_and_mostly_nothing(world: World) -> None:
    sent, devices = smoke.messages(world), smoke.sensors(world)
    alarms = sent.filter(pl.col("event").is_in(["smoke_alarm", "electrical_alarm"]))
    true = alarms.filter(pl.col("incident_id").is_not_null()).join(world.incidents, on="incident_id")
    assert set(true["kind"]) == {"fire", "safety_hazard"}
    there = true.join(devices, on="install_id", suffix="_there")
    assert (there["premises_id"] == there["premises_id_there"]).all()
    assert true.height < 0.3 * alarms.height
    assert (sent["event"] == "test").mean() > 0.2
    burst = alarms.group_by("install_id", pl.col("sent_at").dt.truncate("1h")).len()
    assert burst["len"].max() > 30, "there is a storm"
    hangs = sent.join(devices, on="install_id")
    assert (hangs["sent_at"] > hangs["installed_on"]).all()


def test_some_sensors_stand_twice_in_the_register(world: World) -> None:
    devices = smoke.sensors(world)
    twice = devices.filter(pl.col("imei").is_duplicated()).sort("imei", "installed_on")
    assert 0 < twice.height < 0.03 * devices.height
    assert twice.group_by("imei").agg(pl.col("premises_id").n_unique())["premises_id"].min() == 2


def test_the_fire_service_goes_where_it_is_dangerous_and_where_no_code_hangs(world: World) -> None:
    seen = fire_supervision.inspections(world).join(world.premises, on="premises_id")
    assert seen["true_hazard"].mean() > world.premises["true_hazard"].mean()
    assert (~seen["coded"]).any()
    assert (seen["inspected_at"].dt.weekday() <= 5).all()
    assert (seen.filter("major")["result"] == "sealed").all()
    assert (seen["due_on"].is_null() == (seen["hazards"] == 0)).all()


def test_every_channel_tells_its_number_and_shares_incidents(world: World) -> None:
    told = world.reports.group_by("incident_id").agg(pl.col("channel").unique())
    shared = told.filter(pl.col("channel").list.len() > 1)["channel"].explode().value_counts()
    both = dict(shared.rows())
    for channel, total in case.REPORTS.items():
        assert (world.reports["channel"] == channel).sum() == round(total * SCALE)
        assert both[channel] > 0.05 * total * SCALE, channel
    stalls = world.reports.filter(pl.col("channel") == "city_eye").group_by("incident_id").len()
    assert stalls["len"].mean() > 1.5


def test_reports_of_the_evening_do_not_pile_up_at_midnight(world: World) -> None:
    last_second = (pl.col("reported_at") + timedelta(seconds=1)).dt.date() > pl.col("reported_at").dt.date()
    assert world.reports.filter(last_second).height < 0.001 * world.reports.height


def test_slots_happen_at_their_rate_and_hours(world: World) -> None:
    ids, day = daily(world, 40.0, "anything")
    assert len(ids) / case.HISTORY_DAYS == pytest.approx(40, rel=0.05)
    assert (day.min(), day.max()) == (day_number(case.HISTORY_START), day_number(world.today))
    assert len(set(ids)) == len(ids)
    hours = time_of_day(ids, WAKING, world.seed, "anything") // HOUR
    assert hours.min() >= 0 and hours.max() <= 23 and (hours == 3).mean() < (hours == 9).mean()
    assert slots.places(world, ids, "anywhere")["grid_id"].n_unique() == len(world.grids)
