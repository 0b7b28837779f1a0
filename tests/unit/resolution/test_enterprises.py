"""Which records are one enterprise: the organisation code inside each kind of number, then an unambiguous name."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.standards import credit_code, organisation_code
from resolution.enterprises import cluster, plain_name
from resolution.sources import ENTERPRISE_SCHEMA

CODES = credit_code.make("91", pl.Series(["330199"] * 3), pl.Series([101, 202, 303])).to_list()


def groups(*records: tuple[str | None, str | None]) -> set[frozenset[int]]:
    rows = [
        {"system": "s", "stream": "t", "record_key": str(at), "number": number, "name": name}
        for at, (number, name) in enumerate(records)
    ]
    found = cluster(pl.DataFrame(rows, schema=ENTERPRISE_SCHEMA, orient="row", infer_schema_length=None))
    assert found.assigned["row"].to_list() == list(range(len(records))), "every record exactly once"
    return {frozenset(group) for group in found.assigned.group_by("cluster").agg("row")["row"].to_list()}


def test_all_numbers_hold_the_organisation_code() -> None:
    organisation = CODES[0][8:17]
    assert organisation_code.is_valid(pl.Series([organisation]))[0]
    legacy = "330199" + organisation
    assert groups((CODES[0], "甲"), (legacy, "乙"), (CODES[1], "甲")) == {frozenset({0, 1}), frozenset({2})}


def test_a_name_decides_only_where_it_points_at_one_enterprise() -> None:
    named = "浙江省杭州市幸福食品有限公司"
    assert groups((CODES[0], named), (None, "幸福食品有限责任公司")) == {frozenset({0, 1})}
    assert len(groups((CODES[0], named), (CODES[1], named), (None, named))) == 3


def test_shops_of_one_name_without_numbers_stay_apart() -> None:
    assert len(groups((None, "便利店"), (None, "便利店"))) == 2


def test_two_valid_codes_are_never_one_enterprise() -> None:
    assert len(groups((CODES[0], "甲乙商贸有限公司"), (CODES[1], "甲乙商贸有限公司"))) == 2


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("浙江省杭州市西湖区幸福镇红星机械有限公司", "红星机械"),
        ("红星机械（有限合伙）", "红星机械"),
        ("红星 机械 股份有限公司", "红星机械"),
        ("有限公司", None),
        (None, None),
    ],
)
def test_plain_names(name: str | None, plain: str | None) -> None:
    assert plain_name(pl.Series([name], dtype=pl.String)).to_list() == [plain]


def firms(*records: dict[str, str | None]) -> pl.DataFrame:
    rows = [{"system": "enterprise_visit", "stream": "t", "record_key": str(at)} | r for at, r in enumerate(records)]
    return pl.DataFrame(rows, schema=ENTERPRISE_SCHEMA, infer_schema_length=None)


def found(*records: dict[str, str | None]) -> set[frozenset[int]]:
    assigned = cluster(firms(*records)).assigned
    return {frozenset(group) for group in assigned.group_by("cluster").agg("row")["row"].to_list()}


def registered(code: str | None, name: str, door: str, system: str = "market_registration") -> dict[str, str | None]:
    return {"system": system, "number": code, "name": name, "address": f"安澜区听澜镇和平路{door}号"}


def test_a_telephone_or_a_door_tells_firms_of_one_name_apart() -> None:
    shops = [registered(CODES[0], "王记面馆", "1"), registered(CODES[1], "王记面馆", "2")]
    visit: dict[str, str | None] = {"name": "王记面馆", "phone": "13800000001"}
    named = {"number": CODES[1], **visit}
    lease: dict[str, str | None] = {"name": "王记面馆", "address": "和平路1号"}
    assert found(*shops, named, visit, lease) == {frozenset({0, 4}), frozenset({1, 2, 3})}


def test_of_a_name_that_several_enterprises_have_a_steward_is_asked() -> None:
    shops = [registered(CODES[0], "王记面馆", "1"), registered(CODES[1], "王记面馆", "2")]
    clusters = cluster(firms(*shops, {"name": "王记面馆"}))
    assert clusters.doubtful["row"].to_list() == [2]
    assert clusters.assigned["link_kind"].to_list() == ["single"] * 3


def test_regions_without_their_kind_are_learnt_from_the_addresses() -> None:
    register = [registered(code, f"安澜{name}有限公司", "3") for code, name in zip(CODES, "甲乙丙", strict=True)]
    register[0]["name"] = "安澜华达贸易有限公司"
    spellings = ("华达贸易", "华达贸易（安澜）有限公司", "安澜华达贸易（听澜店）")
    visits: list[dict[str, str | None]] = [{"name": name} for name in spellings]
    assert frozenset({0, 3, 4, 5}) in found(*register, *visits)


def test_a_register_lists_an_enterprise_once() -> None:
    name, door = "红星机械有限公司", "5"
    tax = registered(CODES[0], name, door, "tax_registry")
    first, second = registered(None, name, door), registered(None, name, door)
    assert found(tax, first) == {frozenset({0, 1})}
    assert found(tax, first, second) == {frozenset({0}), frozenset({1}), frozenset({2})}
    assert found(registered(CODES[0], name, door), first) == {frozenset({0}), frozenset({1})}


def test_the_order_of_records_says_nothing() -> None:
    records = firms(
        registered(CODES[0], "王记面馆", "1"),
        registered(CODES[1], "安澜王记面馆", "2", "tax_registry"),
        registered(None, "王记面馆", "2"),
        {"name": "王记面馆", "phone": "13800000001", "number": CODES[0]},
        {"name": "王记面馆", "phone": "13800000001"},
        {"name": "便利店"},
    )

    def keys(frame: pl.DataFrame) -> set[frozenset[str]]:
        assigned = cluster(frame).assigned.join(
            frame.select("record_key").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)), on="row"
        )
        return {frozenset(group) for group in assigned.group_by("cluster").agg("record_key")["record_key"].to_list()}

    expected = keys(records)
    assert all(keys(records.sample(fraction=1, shuffle=True, seed=seed)) == expected for seed in range(8))
