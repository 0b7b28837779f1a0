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
