"""The channels of events: each record is traced to its incident, and what may not be passed on is sent and refused."""

from __future__ import annotations

from datetime import UTC, timedelta

import polars as pl
import pytest

from connectors.conform import Conformer
from connectors.contract_folder import load_contracts
from connectors.tables import landing_columns
from simulator import systems
from simulator.servers.view import as_sent
from simulator.views.base import Served
from simulator.world import World, advance, generate

CONTRACTS = load_contracts()
SEED = 11
CHANNELS = {
    "hotline_12345": "orders",
    "city_management": "cases",
    "city_eye": "alarms",
    "safety_patrol": "patrols",
    "grid_app": "reports",
    "high_altitude_video": "alarms",
    "drone_patrol": "findings",
    "dispute_mediation": "cases",
    "smoke_sensor": "messages",
}
EVENT_SYSTEMS = (*CHANNELS, "fire_supervision")


@pytest.fixture(scope="module")
def world() -> World:
    return generate(0.1, SEED)


@pytest.fixture(scope="module")
def served(world: World) -> dict[str, dict[str, Served]]:
    return {system: systems.view(system, world, seed=SEED) for system in EVENT_SYSTEMS}


@pytest.mark.parametrize("system", CHANNELS)
def test_records_are_traced_to_their_incidents(system: str, world: World, served: dict[str, dict[str, Served]]) -> None:
    one = served[system][CHANNELS[system]]
    assert one.incidents is not None
    assert one.incidents["record_key"].is_unique().all()
    assert set(one.incidents["incident_id"]) <= set(world.incidents["incident_id"])
    known = one.incidents.height / one.frame.height
    machines = {"city_eye": (0.6, 0.9), "high_altitude_video": (0.1, 0.7), "drone_patrol": (0.05, 0.9),
                "smoke_sensor": (0.005, 0.1), "safety_patrol": (0.15, 0.4)}  # fmt: skip
    low, high = machines.get(system, (0.999, 1.001))
    assert low < known < high


def test_the_channels_tell_of_the_same_incidents(served: dict[str, dict[str, Served]], world: World) -> None:
    old = {i for c in ("police_110", "four_platform", "snapshot_report") for i in _told(world, c)}
    for system, stream in CHANNELS.items():
        incidents = served[system][stream].incidents
        assert incidents is not None
        shared = incidents["incident_id"].unique().is_in(list(old)).mean()
        assert shared > 0.1, system  # type: ignore[operator]


def _told(world: World, channel: str) -> set[int]:
    return set(world.reports.filter(pl.col("channel") == channel)["incident_id"])


def test_one_spot_raises_many_alarms_at_one_mark(served: dict[str, dict[str, Served]]) -> None:
    one = served["city_eye"]["alarms"]
    alarms = one.frame.unique("alarmId").join(one.incidents, left_on="alarmId", right_on="record_key")  # type: ignore[arg-type]
    clean = ~alarms["alarmId"].is_in(one.defects["record_key"].implode())
    many = alarms.filter(clean).group_by("incident_id").agg(pl.len(), pl.col("pointCode").n_unique())
    assert (many["len"] > 2).any()
    assert (many["pointCode"] == 1).all()


@pytest.mark.parametrize("system", EVENT_SYSTEMS)
def test_what_is_refused_is_sent_and_does_not_land(
    system: str, world: World, served: dict[str, dict[str, Served]]
) -> None:
    contract = CONTRACTS[system]
    refused = {refusal.name for refusal in contract.refusals}
    assert refused
    sent: set[str] = set()
    for name, one in served[system].items():
        stream = contract.streams[name]
        beyond = set(one.frame.columns) - {c.physical_name for c in stream.columns} - {"__file"}
        assert beyond <= refused, (name, beyond)
        assert all(one.frame[field].null_count() < one.frame.height for field in beyond)
        sent |= beyond
        page = as_sent(one.frame).drop("__file", strict=False).cast(pl.String)
        done = Conformer(stream, contract.server_of(stream), now=world.now.replace(tzinfo=UTC))(page)
        assert set(done.accepted.columns) == set(landing_columns(stream))
        assert done.added is None and not done.added_columns
        assert not any(field in payload for field in beyond for payload in done.rejected["payload"])
    assert sent == refused


def test_the_parties_of_a_dispute_are_in_no_column_that_lands(
    world: World, served: dict[str, dict[str, Served]]
) -> None:
    one = served["dispute_mediation"]["cases"]
    names = {name for pair in one.frame["dsrxm"] for name in pair.split("、")}
    taken = one.frame.select(c.physical_name for c in CONTRACTS["dispute_mediation"].streams["cases"].columns)
    texts = set(taken.select(pl.col(pl.String)).unpivot()["value"].drop_nulls())
    assert names and not any(name in text for name in names for text in texts)


def test_the_citys_own_map_is_never_taken_for_degrees() -> None:
    stream = CONTRACTS["city_management"].streams["cases"]
    assert not [column for column in stream.columns if (column.semantic_type or "").startswith("geo.")]
    assert {stream.column(axis).minimum for axis in ("local_x", "local_y")} == {10_000}


def test_what_was_written_without_a_network_comes_later(world: World, served: dict[str, dict[str, Served]]) -> None:
    here = served["grid_app"]["reports"].frame.filter(pl.col("offline") == "1")
    waits = (_seconds(here, "uploadTime") - _seconds(here, "createTime")).drop_nulls()
    assert waits.min() > 0 and waits.max() > 6 * 3600  # type: ignore[operator]
    late = 0
    for _ in range(10):  # on some days all have come
        known = systems.view("grid_app", world, seed=SEED)["reports"].frame
        missing = _told_reports(world, "grid_app") - known["id"].n_unique()
        next_day = systems.view("grid_app", advance(world, 1), seed=SEED)["reports"].frame
        fresh = next_day.filter(~pl.col("id").is_in(known["id"].implode()))
        assert (_seconds(fresh, "updateTime") >= _local(world)).all()
        come = (_seconds(fresh, "createTime") < _local(world)).sum()
        assert come <= missing
        late += come
        world = advance(world, 1)
    assert late > 0, "some come on a later day"


def _told_reports(world: World, channel: str) -> int:
    return world.reports.filter(pl.col("channel") == channel).height


def _local(world: World) -> float:
    """The end of the world's day (local time) as seconds since 1970 UTC."""
    return (world.now - timedelta(hours=8)).replace(tzinfo=UTC).timestamp()


def _seconds(frame: pl.DataFrame, column: str) -> pl.Series:
    return frame.select(
        pl.when(pl.col(column) > 10**11).then(pl.col(column) // 1000).otherwise(pl.col(column))
    ).to_series()


def test_flights_are_told_by_the_clock_of_greenwich(world: World, served: dict[str, dict[str, Served]]) -> None:
    flights = served["drone_patrol"]["flights"].frame
    hours = flights["起飞时间(UTC)"].drop_nulls().str.slice(11, 2).cast(pl.Int64)
    assert hours.is_between(1, 9).all()
    assert str(CONTRACTS["drone_patrol"].servers["drop"].timezone) == "UTC"
    assert flights["__file"].str.contains(r"^drone_flights_\d{8}\.csv$").all()
