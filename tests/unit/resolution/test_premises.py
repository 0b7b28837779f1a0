"""Which records are one premises: codes, then names with doors; one door may hold several."""

from __future__ import annotations

import polars as pl
import pytest

from resolution.doors import located
from resolution.premises import cluster
from resolution.residents import Clusters
from resolution.sources import PREMISES_SCHEMA

REGISTER = pl.DataFrame(
    {
        "address_code": ["D1", "D2", "D3", "D4"],
        "full_address": [
            "安澜区听澜镇和平路1号",
            "安澜区听澜镇锦绣花园3幢2单元501室",
            "安澜区听澜镇锦绣花园3幢2单元502室",
            "安澜区听澜镇学院路17号联合中心1幢905室",
        ],
    }
)
Record = dict[str, str | None]


def place(code: str | None, name: str | None, address: str, **more: str) -> Record:
    return {"code": code, "name": name, "address": address} | more


def clustered(*records: Record) -> Clusters:
    rows = [{"system": "s", "stream": "t", "record_key": str(at)} | record for at, record in enumerate(records)]
    frame = pl.DataFrame(rows, schema={name: pl.String for name in PREMISES_SCHEMA}, infer_schema_length=None).cast(
        dict(PREMISES_SCHEMA)
    )
    return cluster(located(frame, REGISTER))


def groups(*records: Record) -> set[frozenset[int]]:
    assigned = clustered(*records).assigned
    assert assigned["row"].to_list() == list(range(len(records))), "every record exactly once"
    return {frozenset(group) for group in assigned.group_by("cluster").agg("row")["row"].to_list()}


def test_two_codes_are_two_premises_unless_one_is_the_others_second() -> None:
    shop = ("王记面馆", "和平路1号")
    assert len(groups(place("A1", *shop), place("A2", *shop))) == 2
    assert groups(place("A1", *shop), place("A1-2", *shop)) == {frozenset({0, 1})}


@pytest.mark.parametrize("spelling", ["锦绣花园3栋2-501", "锦绣小区3幢2单元501", "锦绣花园第3幢二单元501室"])
def test_one_door_in_many_spellings(spelling: str) -> None:
    home = place("A1", "锦绣花园3-501出租房", "安澜区听澜镇锦绣花园3幢2单元501室", category="rental_housing")
    other = place("A2", "锦绣花园3-502出租房", "安澜区听澜镇锦绣花园3幢2单元502室", category="rental_housing")
    filing = place(None, None, spelling, category="rental_housing")
    assert groups(home, other, filing) == {frozenset({0, 2}), frozenset({1})}


def test_the_sign_over_the_door_is_the_registered_name() -> None:
    sign = place("A1", "凯邦达科技", "学院路17号联合中心1幢905室")
    assert groups(sign, place(None, "安澜区凯邦达科技有限公司", "联合中心1栋905")) == {frozenset({0, 1})}


def test_firms_at_one_desk_are_several_premises() -> None:
    desk = "学院路17号联合中心1幢905室"
    assert len(groups(place("A1", "甲一科技", desk), place(None, "乙二贸易", desk))) == 2


def test_a_record_of_the_building_alone_is_attached_to_the_only_one_of_its_name() -> None:
    shop = place("A1", "凯邦达科技", "联合中心1幢905室")
    told = place(None, "凯邦达科技", "学院路17号联合中心1幢")
    assert groups(shop, told) == {frozenset({0, 1})}
    namesake = place("A2", "凯邦达科技", "联合中心1幢906室")
    clusters = clustered(shop, namesake, told)
    assert clusters.assigned["link_kind"].to_list() == ["single"] * 3
    assert clusters.doubtful["row"].to_list() == [2], "a steward is asked"


def test_two_records_of_a_building_that_two_premises_share_a_name_in_are_not_joined_to_each_other() -> None:
    twins = [place(code, "王记面馆", "和平路1号") for code in ("A1", "A2")]
    assert len(groups(*twins, place(None, "王记面馆", "和平路1号"), place(None, "王记面馆", "和平路1号"))) == 4


def test_a_building_site_is_known_by_its_plot_whatever_the_builder_is_called() -> None:
    site = place("A1", "和平路学校扩建一期项目", "和平路8号地块", category="construction_site")
    assert groups(site, place(None, "安澜禾泰建筑工程有限公司", "安澜区听澜镇和平路8号地块")) == {frozenset({0, 1})}
    assert len(groups(site, place(None, "安澜禾泰建筑工程有限公司", "和平路8号"))) == 2


def test_names_and_places_on_the_map_find_each_other_without_an_address() -> None:
    spot = {"longitude": "120.123456", "latitude": "30.123456"}
    near = {"longitude": "120.123461", "latitude": "30.123451"}
    shop = place("A1", "王记面馆", "和平路1号", **spot)
    assert groups(shop, place(None, "王记面馆", "听澜镇", **near)) == {frozenset({0, 1})}


def test_the_order_of_records_says_nothing() -> None:
    records = [
        place("A1", "王记面馆", "和平路1号"),
        place("A1-2", "王记面馆", "和平路1号"),
        place(None, "王记面馆", "安澜区听澜镇和平路1号"),
        place(None, "李记水果", "和平路1号"),
        place(None, "李记水果店", "和平路1号"),
        place(None, None, "锦绣花园3幢2单元501室", category="rental_housing"),
        place(None, "锦绣花园3-501出租房", "锦绣小区3-2-501"),
    ]
    forward, backward = groups(*records), groups(*reversed(records))
    last = len(records) - 1
    assert forward == {frozenset(last - row for row in group) for group in backward}
    assert forward == {frozenset({0, 1, 2}), frozenset({3, 4}), frozenset({5, 6})}
