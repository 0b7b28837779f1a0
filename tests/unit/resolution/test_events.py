"""Which reports tell of one incident: kind, place and time; the earliest leads; a repeat is another incident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from resolution import doors
from resolution.events import blocks as event_blocks
from resolution.events import chance as event_chance
from resolution.events import cluster
from resolution.events import places as event_places
from resolution.events import town as event_town
from resolution.events.kinds import KINDS, kinds
from resolution.residents import Clusters
from resolution.sources import EVENT_SCHEMA

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SPOT = {"longitude": 120.1234, "latitude": 30.3210}
Record = dict[str, object]


def report(system: str, category: str, minutes: int = 0, **more: object) -> Record:
    return {"system": system, "category": category, "at": NOON + timedelta(minutes=minutes)} | more


def frame(*records: Record) -> pl.DataFrame:
    rows = [{"stream": "t", "record_key": str(at)} | record for at, record in enumerate(records)]
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, infer_schema_length=None)


def clustered(*records: Record) -> Clusters:
    return cluster(frame(*records))


def judged_by_themselves(records: pl.DataFrame) -> pl.DataFrame:
    town, _, pairs = event_town.learned(records, pl.DataFrame())
    return event_chance.judged(pairs, town.figures)


def groups(*records: Record) -> set[frozenset[int]]:
    assigned = clustered(*records).assigned
    assert assigned["row"].to_list() == list(range(len(records))), "every record exactly once"
    return {frozenset(group) for group in assigned.group_by("cluster").agg("row")["row"].to_list()}


def test_channels_of_one_kind_place_and_hour_tell_of_one_incident() -> None:
    call = report("police_110", "050100", 5, **SPOT)
    dispatch = report("fire_119", "10000 火灾扑救", 3, **SPOT)
    event = report("four_platform", "火灾", 40, **SPOT)
    assigned = clustered(call, dispatch, event).assigned
    assert assigned["cluster"].to_list() == [1, 1, 1], "the earliest report leads"
    assert set(assigned["reason"]) == {"same place on the map"}


def test_another_kind_or_another_house_is_another_incident() -> None:
    fire = report("police_110", "050100", **SPOT)
    assert len(groups(fire, report("four_platform", "环境卫生", **SPOT))) == 2
    assert len(groups(fire, report("four_platform", "火灾", longitude=120.1240, latitude=30.3210))) == 2


def test_a_repeat_of_an_old_problem_is_not_the_same_incident() -> None:
    first = report("snapshot_report", "违章停车", **SPOT)
    assert len(groups(first, report("four_platform", "违章停车", 24 * 60, **SPOT))) == 2


def test_an_event_handed_to_another_unit_keeps_its_number() -> None:
    handed = [report("four_platform", "环境卫生", minutes, number="SJ1") for minutes in (0, 60 * 24 * 9)]
    assert groups(*handed) == {frozenset({0, 1})}
    other = report("city_management", "0201", number="SJ1")
    assert frozenset({2}) in groups(*handed, other), "numbers of two systems are two numbers"


def test_what_its_source_took_for_a_false_alarm_is_like_nothing() -> None:
    alarm = report("city_eye", "shop_occupying_road", state="false_alarm", **SPOT)
    assert len(groups(alarm, report("four_platform", "出店经营", **SPOT))) == 2


def test_a_place_sent_without_conversion_is_read_again() -> None:
    from connectors.standards import coordinates

    lon, lat = coordinates.wgs84_from_gcj02([SPOT["longitude"]], [SPOT["latitude"]])
    sent = report("police_110", "050100", longitude=float(lon[0]), latitude=float(lat[0]))
    assert groups(sent, report("four_platform", "火灾", 20, **SPOT)) == {frozenset({0, 1})}


def test_a_call_without_coordinates_is_known_by_its_door() -> None:
    door = "安澜区听澜镇锦绣花园3幢2单元501室"
    event = report("four_platform", "噪音扰民", 30, address=door, grid_code="330199103022001", **SPOT)
    near = report("hotline_12345", "噪音扰民", address="锦绣花园3栋2-501", text="市民反映：锦绣花园附近楼上太吵")
    other = report("hotline_12345", "噪音扰民", address="锦绣花园4幢1单元101室", text="市民反映：锦绣花园附近楼上太吵")
    assert groups(event, near, other) == {frozenset({0, 1}), frozenset({2})}


def test_a_report_between_two_places_joins_the_likelier_and_bridges_nothing() -> None:
    here = report("four_platform", "噪音扰民", 30, address="锦绣花园3幢1单元101室", **SPOT)
    there = report("police_110", "030205", 60, address="锦绣花园3幢附近", longitude=120.1244, latitude=30.3211)
    told = report("hotline_12345", "噪音扰民", 20, address="锦绣花园3幢1单元101室")
    assert groups(here, there, told) == {frozenset({0, 2}), frozenset({1})}


def test_the_order_of_records_says_nothing() -> None:
    records = [
        report("police_110", "050100", 5, **SPOT),
        report("fire_119", "10000", 3, **SPOT),
        report("grid_app", "火灾", 50, metres=17.0, longitude=120.12345, latitude=30.32103),
        report("hotline_12345", "火灾", 9, address="锦绣花园3幢附近"),
        report("four_platform", "火灾", 20, address="锦绣花园3幢2单元501室", **SPOT),
        report("city_eye", "parking", 20, metres=40.0, **SPOT),
    ]
    last = len(records) - 1
    forward, backward = groups(*records), groups(*reversed(records))
    assert forward == {frozenset(last - row for row in group) for group in backward}
    assert frozenset({0, 1, 2, 3, 4}) in forward


def test_a_place_with_too_many_reports_makes_no_pairs() -> None:
    """A million pairs of one crossroads tell nothing: their number stays with that of the reports."""
    many = [report("police_110", "040100", at % 60, address="和平路1号") for at in range(event_blocks.MAX_BLOCK + 1)]
    assert all(len(group) == 1 for group in groups(*many))


def test_every_kind_is_known_by_its_codes_its_words_and_both_in_one_field() -> None:
    for kind, words in KINDS.items():
        assert set(kinds(pl.Series([kind, *words]))) == {kind}
    assert kinds(pl.Series(["0107公共设施损坏", "10000 火灾扑救", "其他事件", "0999", None])).to_list() == [
        "facility_damage", "fire", None, None, None,
    ]  # fmt: skip


def test_places_are_read_from_the_address_and_what_it_leaves_out_from_the_text() -> None:
    named = [report("x", "y", address="安澜区听澜镇锦绣花园1幢1单元101室")] * 2
    records = frame(
        *named,
        report("x", "y", address="锦绣花园3幢附近", text="居民反映锦绣花园3幢2单元501室楼上太吵"),
        report("x", "y", address="网格025002路边旁边", text="市民反映：锦绣花园附近垃圾桶满溢，有异味"),
        report("x", "y", text="你好，锦绣花园9幢附近健身器材坏了", grid_code="330199103025002"),
    )
    stated = event_places.stated(records["address"])
    found = event_places.places(records, stated, event_places.names(stated))[2:]
    assert found["place"].to_list() == ["锦绣花园"] * 3
    assert found["building"].to_list() == ["3", None, "9"]
    assert found["room"].to_list() == ["501", None, None]
    assert found["grid"].to_list() == [None, "025002", "025002"]
    assert found["roadside"].to_list() == [False, True, False]
    assert found["told"].to_list() == [True, True, False]


def test_an_event_told_by_its_door_has_the_doors_place_on_the_map() -> None:
    register = pl.DataFrame(
        {
            "address_code": ["D1", "D2"],
            "full_address": ["安澜区听澜镇和平路1号", "安澜区听澜镇和平路3号"],
            "longitude": [120.1234, 120.1254],
            "latitude": [30.3210, 30.3210],
        }
    )
    told = frame(
        report("city_management", "0504", address="和平路1号门口"),
        report("city_eye", "shop_occupying_road", 9, longitude=120.12345, latitude=30.32102, metres=40.0),
        report("city_management", "0504", address="和平路"),
        report("four_platform", "出店经营", address="和平路3号", **SPOT),
    )
    placed = doors.placed(told, doors.buildings(register), metres=25.0)
    assert placed["longitude"].to_list() == [120.1234, 120.12345, None, 120.1234], (
        "its own place stands above its door's"
    )
    assert placed["metres"].to_list() == [25.0, 40.0, None, None]
    assert cluster(placed).assigned["cluster"].to_list()[:2] == [0, 0]


def test_channels_that_pass_nothing_on_to_each_other_are_seen_to_do_so() -> None:
    """Two channels tell of one incident at one place every day; a third is at those places at any time, by chance."""
    records = []
    for day in range(40):
        at = day * 24 * 60
        spot = {"longitude": 120.1 + day % 5 / 1000, "latitude": 30.3}
        records.append(report("police_110", "030205", at, **spot))
        records.append(report("four_platform", "噪音扰民", at + 50, **spot, state="closed"))
    judged = judged_by_themselves(frame(*records))
    assert judged["sure"].min() > 0.9
    every_day = [
        report(system, word, day * 24 * 60 + minutes, **SPOT)
        for day in range(40)
        for system, word, minutes in (("police_110", "030205", 0), ("snapshot_report", "噪音扰民", 90))
    ]
    by_chance = judged_by_themselves(frame(*every_day))
    assert by_chance["sure"].max() < 0.8, "what is there on every other day too says nothing"
