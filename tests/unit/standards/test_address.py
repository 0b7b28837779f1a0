"""Different spellings of one door have one key; different doors do not."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.standards import address

SAME_DOOR = [
    [
        "安澜区听澜镇锦绣花园3幢2单元501室",
        "浙江省杭州市安澜区听澜镇锦绣社区锦绣花园3栋2单元501",
        "锦绣花园3号楼2单元501室",
        "锦绣花园三幢二单元501室",
        "锦绣花园3-2-501",
        "锦绣花园　３幢　２单元５０１室",
        "振兴路88号锦绣花园3幢2单元501室",
        "锦绣花园小区3#2-501",
        "锦绣花园03幢2单元0501室",
        "听澜镇锦绣花园3幢2单元5楼501室",
        "安澜区锦绣花园3幢2单元501室",
        "锦绣社区锦绣花园3座 2单元501房",
    ],
    ["听澜镇上塘东弄12号301室", "上塘东弄12号301", "上塘东弄十二号301室", "安澜区听澜镇上塘东弄12号3楼301室"],
    ["振兴路123号-1", "振兴路123号之一", "安澜区听澜镇振兴路123-1号", "振兴路0123号-1"],
    ["振兴路128号国信大厦3幢1201室", "振兴路国信大厦128号3幢1201室", "国信大厦3-1201", "国信大厦3号楼1201"],
    ["振兴路12号", "听澜镇振兴路12号老王面馆", "安澜区听澜镇振兴路12号(近地铁口)"],
    ["锦绣花园二区3幢1单元101室", "锦绣花园2区3-1-101"],
    ["锦绣东区3幢1单元101室", "锦绣东区3-1-101"],
]


@pytest.mark.parametrize("spellings", SAME_DOOR, ids=lambda group: group[0])
def test_one_door_one_key(spellings: list[str]) -> None:
    keys = address.canonical_key(pl.Series(spellings))
    assert keys.null_count() == 0
    assert keys.n_unique() == 1, keys.to_list()


def test_different_doors_differ() -> None:
    doors = pl.Series(
        [group[0] for group in SAME_DOOR]
        + ["锦绣花园3幢2单元502室", "锦绣花园3幢1单元501室", "锦绣花园4幢2单元501室", "锦绣花园3幢",
        "紫荆花园3幢2单元501室",
           "振兴路123号", "振兴路123号-2", "振兴路12号地块", "建设路12号", "锦绣花园A幢2单元501室"]
    )  # fmt: skip
    assert address.canonical_key(doors).n_unique() == len(doors)


@pytest.mark.parametrize("vague", ["听澜镇", "不知道", "", "小区门口", None])
def test_no_door_no_key(vague: str | None) -> None:
    assert address.canonical_key(pl.Series([vague], dtype=pl.String)).to_list() == [None]


def test_parse() -> None:
    parts = address.parse(pl.Series(["浙江省安澜区听澜镇锦绣社区振兴路八十八号锦绣花园3栋2单元501", None]))
    assert tuple(parts.columns) == address.PARTS
    assert parts.row(0) == ("安澜区", "听澜镇", "锦绣社区", "锦绣花园", "振兴路", None, "88", "3", "2", "501")
    assert parts.row(1) == (None,) * 10


def test_private_use_characters_are_mended() -> None:
    assert address.normalise(pl.Series(["\ue863园3幢"])).to_list() == ["䶮园3幢"]


def test_compose() -> None:
    whole = "安澜区听澜镇锦绣社区振兴路88号锦绣花园3幢2单元501室"
    parts = address.parse(pl.Series([whole, None, "振兴路12号"]))
    assert address.compose(parts).to_list() == [whole, None, "振兴路12号"]


def test_normalise_keeps_everything() -> None:
    received = pl.Series("a", ["听澜镇 锦绣花园３栋二单元501", None])
    assert address.normalise(received).to_list() == ["听澜镇锦绣花园3幢2单元501室", None]
    assert address.normalise(received).name == "a"


def test_numerals_are_read_whole() -> None:
    written = ["十二幢二单元三〇一室", "二十二弄二号", "振兴路八号之二十一", "振兴路三号之一", "二王街"]
    said = ["12幢2单元301室", "22弄2号", "振兴路8-21号", "振兴路3-1号", "二王街"]
    assert address.normalise(pl.Series(written)).to_list() == said
