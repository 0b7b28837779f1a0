"""Incidents, disputes, passes and door sensors from landing to candidate: what dbt's own tests cannot see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from resolution.events.kinds import KINDS
from tests.warehouse.conftest import PROJECT

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtRun, DbtTown

PRODUCTS = ("event", "event_hotspot", "dispute", "repair", "community_flow", "elder_care_alarm")
COMMUNITY, GRID = "330199103001", "330199103001001"
SECRETS = ("13857106602", "楼上漏水", "某某", "33010619491231002X", "o-openid")


def _land_events(town: DbtTown) -> None:
    call = {"category": "050100", "address": "文一路1号", "caller_phone": "13857106602", "updated_at": "2026-06-21"}
    town.land(
        "police_110", "incidents",
        # Inside the grid; outside every grid; of tomorrow.
        {**call, "incident_no": "P1", "reported_at": "2026-06-20 08:00:00+08", "state": "closed", "longitude": 120.9,
         "latitude": 30.1, "updated_at": "2026-06-20 12:00:00+08"},
        {**call, "incident_no": "P2", "reported_at": "2026-06-20 08:00:00+08", "state": "dispatched",
         "longitude": 121.9, "latitude": 30.1},
        {**call, "incident_no": "P3", "reported_at": "2026-07-01 08:00:00+08", "state": "received"},
    )  # fmt: skip
    report = {"source": "grid_patrol", "category": "环境卫生", "description": "楼上漏水", "grid_code": GRID,
              "reporter_phone": "13857106602", "reported_at": "2026-06-20 09:00:00+08", "unit_code": "01"}  # fmt: skip
    town.land(
        "four_platform", "events",
        {**report, "event_no": "E1", "category": "火灾", "state": "feedback", "closed_at": "2026-06-20 18:00:00+08",
         "feedback_at": "2026-06-20 19:00:00+08", "updated_at": "2026-06-20 19:00:00+08"},
    )  # fmt: skip
    # Closed, open again, closed: three versions of one report.
    for number, (state, updated) in enumerate((("closed", "21"), ("assigned", "22"), ("closed", "23")), 1):
        version = {**report, "event_no": "E2", "state": state, "updated_at": f"2026-06-{updated} 08:00:00+08",
                   "closed_at": None if state == "assigned" else f"2026-06-{updated} 08:00:00+08"}  # fmt: skip
        town.land("four_platform", "events", version, current=False)
        with psycopg.connect(town.url) as conn:
            conn.execute(
                "UPDATE landing.four_platform__events SET _from_load = %s, _to_load = %s"
                " WHERE event_no = 'E2' AND state = %s AND updated_at = %s",
                [number, number + 1 if number < 3 else None, state, version["updated_at"]],
            )
    town.land(
        "snapshot_report", "reports",
        {"report_id": "S1", "openid": "o-openid", "content": "楼上漏水", "category": "安全隐患", "phone": "13857106602",
         "state": "accepted", "reported_at": "2026-06-29 08:00:00+08", "updated_at": "2026-06-29"},
    )  # fmt: skip
    town.link("event", "I1", ("police_110", "incidents", "P1"), ("four_platform", "events", "E1|01"))


def _land_rest(town: DbtTown) -> None:
    square = json.dumps(
        {"type": "Polygon", "coordinates": [[[120.0, 30.0], [121.0, 30.0], [121.0, 31.0], [120.0, 30.0]]]}
    )
    border = {"valid_from": "2021-09-01", "geometry": square}
    town.land("grid_map", "communities", {"community_code": COMMUNITY, "name": "c", **border})
    town.land("grid_map", "grids", {"grid_code": GRID, "community_code": COMMUNITY, "name": "g", **border})
    town.land(
        "standard_address", "addresses",
        {"address_code": "D1", "community_code": COMMUNITY, "grid_code": GRID, "full_address": "锦绣花园1幢101室",
         "estate": "锦绣花园"},
    )  # fmt: skip
    for number in range(5):
        town.land(
            "dispute_mediation", "cases",
            {"case_no": f"C{number}", "category": "family", "grid_code": GRID, "accepted_at": "2026-06-02 10:00:00+08",
             "result": "agreed", "closed_at": "2026-06-05 10:00:00+08", "updated_at": "2026-06-05"},
        )  # fmt: skip
    town.land(
        "neighbour_service", "repairs",
        {"repair_no": "B1", "estate": "锦绣小区", "house": "1幢101室", "category": "water", "state": "accepted",
         "reported_at": "2026-06-28 08:00:00+08", "accepted_at": "2026-06-28 09:00:00+08", "updated_at": "2026-06-28"},
    )  # fmt: skip
    town.land(
        "smart_community", "devices",
        {"device_no": "K1", "name": "gate", "estate": "锦绣花园", "community_code": COMMUNITY, "kind": "pedestrian",
         "installed_on": "2026-01-01", "state": "offline", "updated_at": "2026-01-01"},
    )  # fmt: skip
    for hour in range(24):
        town.land(
            "smart_community", "hourly_counts",
            {"device_no": "K1", "hour": f"2026-06-29 {hour:02d}:00:00+08", "passes_in": 2, "passes_out": 1},
        )  # fmt: skip
        town.land(
            "elder_door_sensor", "readings",
            {"device_id": "869999010000017", "measured_at": f"2026-06-29 {hour:02d}:30:00+08", "event": "heartbeat",
             "battery": 90},
        )  # fmt: skip
    town.land(
        "elder_door_sensor", "devices",
        {"device_id": "869999010000017", "resident_id": "33010619491231002X", "address_code": "D1",
         "installed_on": "2026-01-01"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def build(dbt_town: DbtTown) -> DbtRun:
    """The two families and all that they read, built once; tests of the models run with the whole project elsewhere."""
    _land_rest(dbt_town)
    _land_events(dbt_town)
    dbt_town.load_everything()
    wanted = ("+path:models/products/enforcement", "+path:models/products/control")
    run = dbt_town.dbt("build", "--select", *wanted, "--exclude", "resource_type:test", "resource_type:unit_test")
    assert run.code == 0, run.output[-4000:]
    return run


@pytest.fixture(scope="module")
def incidents(build: DbtRun, dbt_town: DbtTown) -> dict[str, tuple[Any, ...]]:
    return _incidents(dbt_town)


def _incidents(town: DbtTown) -> dict[str, tuple[Any, ...]]:
    found = town.rows("SELECT incident_key, state, event_type, grid_code, overdue, doubts FROM candidate.event")
    return {row[0]: row[1:] for row in found}


def test_one_incident_of_two_channels(incidents: dict[str, tuple[Any, ...]], dbt_town: DbtTown) -> None:
    assert set(incidents) == {"I1", "police_110:P2", "four_platform:E2|01", "snapshot_report:S1"}
    assert incidents["I1"] == ("closed", "fire", GRID, False, ["no_closing_time"])
    ((lead, grid_from, sources, in_time),) = dbt_town.rows(
        "SELECT lead_report, grid_from, sources, closed_in_time FROM candidate.event WHERE incident_key = 'I1'"
    )
    assert (lead, grid_from, in_time) == ("police_110:P1", "stated", True)
    assert [(s["system"], s["record"], s["step"]) for s in sources] == [
        ("police_110", "P1", "closed"), ("four_platform", "E1|01", "closed"),
    ]  # fmt: skip


def test_what_was_opened_again_proves_nothing(incidents: dict[str, tuple[Any, ...]], dbt_town: DbtTown) -> None:
    """Its last version alone looks like a report that was closed in three days."""
    assert incidents["four_platform:E2|01"] == ("closed", "sanitation", GRID, False, ["reopened"])
    assert dbt_town.rows(
        "SELECT reopened, closed_in_time FROM candidate.event WHERE incident_key = 'four_platform:E2|01'"
    ) == [(True, None)]


def test_off_the_map_there_is_no_grid(incidents: dict[str, tuple[Any, ...]]) -> None:
    assert incidents["police_110:P2"] == ("dispatched", "fire", None, True, [])


def test_the_other_products_say_what_was_landed(build: DbtRun, dbt_town: DbtTown) -> None:
    assert dbt_town.rows("SELECT community_code, opened, agreed FROM candidate.dispute WHERE cell = 'shown'") == [
        (COMMUNITY, 5, None)
    ]
    assert dbt_town.rows("SELECT accepted, overdue FROM candidate.repair WHERE estate = '锦绣花园'") == [(1, 1)]
    assert dbt_town.rows("SELECT finding, passes_in FROM candidate.community_flow WHERE day = '2026-06-29'") == [
        ("known", 48)
    ]
    assert dbt_town.rows("SELECT state, next_step FROM candidate.elder_care_alarm") == [
        ("no_movement", "call_then_visit")
    ]
    assert dbt_town.rows("SELECT count(*), bool_and(level IN ('few', 'unknown')) FROM candidate.event_hotspot") == [
        (13, True)
    ]


def test_nobody_is_told_of(build: DbtRun, dbt_town: DbtTown) -> None:
    for product in PRODUCTS:
        told = "".join(row[0] for row in dbt_town.rows(f"SELECT t::text FROM candidate.{product} AS t"))
        assert told and not [secret for secret in SECRETS if secret in told], product


def test_building_again_gives_the_same(build: DbtRun, dbt_town: DbtTown) -> None:
    def content() -> list[Any]:
        return [dbt_town.rows(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM candidate.{product} AS t")
                for product in PRODUCTS]  # fmt: skip

    before = content()
    assert dbt_town.dbt("run", "--select", "path:models/products/enforcement", "path:models/products/control").code == 0
    assert content() == before


@pytest.fixture
def dead(build: DbtRun, dbt_town: DbtTown) -> Iterator[None]:
    """随手拍 and the door sensors fail."""
    streams = (("snapshot_report", "reports"), ("elder_door_sensor", "readings"))
    for system, stream in streams:
        dbt_town.load(system, stream, "failed")
    dbt_town.rebuild("dim_input")
    yield
    for system, stream in streams:
        dbt_town.load(system, stream)


def test_a_dead_channel_turns_its_own_open_incidents_unknown(
    incidents: dict[str, tuple[Any, ...]], dead: None, dbt_town: DbtTown
) -> None:
    after = _incidents(dbt_town)
    assert after.pop("snapshot_report:S1") == ("unknown", "safety_hazard", None, None, ["input"])
    assert after == {key: row for key, row in incidents.items() if key != "snapshot_report:S1"}
    assert dbt_town.rows("SELECT DISTINCT level, incidents FROM candidate.event_hotspot") == [("unknown", None)]
    assert dbt_town.rows("SELECT state, reason FROM candidate.elder_care_alarm") == [("unknown", "input")]
    assert dbt_town.rows("SELECT finding FROM candidate.community_flow WHERE day = '2026-06-29'") == [("known",)]


def test_the_kinds_are_those_that_reports_are_joined_by() -> None:
    """One incident has one kind, whoever reads the words. A crowd before a camera is no dispute yet."""
    lines = (PROJECT / "seeds" / "event_categories.csv").read_text(encoding="utf-8").splitlines()[1:]
    seeded = {tuple(line.split(",")[:2]) for line in lines}
    ours = {(word, kind) for kind, words in KINDS.items() for word in (kind, *words)}
    assert ours - seeded == {("crowd", "dispute")} and seeded <= ours
