"""Code lists and the dated table of divisions."""

from __future__ import annotations

import datetime as dt

import polars as pl

from connectors.standards import codes, division


def test_ethnic_groups_are_complete() -> None:
    assert list(codes.ETHNIC_GROUP) == [f"{code:02d}" for code in range(1, 57)] + ["97", "98"]
    assert len(set(codes.ETHNIC_GROUP.values())) == 58
    assert [codes.ETHNIC_GROUP[code] for code in ("01", "03", "15", "50", "56")] == [
        "汉族", "回族", "土家族", "塔塔尔族", "基诺族",
    ]  # fmt: skip
    received = pl.Series(["01", "1", "汉", "汉族", "土", "00", "57", None])
    assert codes.ethnic_code(received).to_list() == ["01", "01", "01", "01", "30", None, None, None]


def test_sex() -> None:
    received = pl.Series(["1", "男", "F", "9", "3", " 女 ", None])
    assert codes.sex(received).to_list() == ["male", "male", "female", "unstated", None, "female", None]
    assert codes.sex_code(received).to_list() == ["1", "1", "2", "9", None, "2", None]


def test_relations() -> None:
    assert codes.decode(pl.Series(["28", "38", "53", "8", "18", None]), codes.RELATION).to_list() == [
        "女婿", "儿媳", "公公", "其他", None, None,
    ]  # fmt: skip
    received = pl.Series(["02", "1", "0", "户主", "长女", "19", None])
    assert codes.relation_code(received).to_list() == ["02", "10", "01", "02", "32", None, None]
    assert codes.encode(pl.Series(["户主"]), codes.RELATION_2).to_list() == ["02"]
    assert codes.is_known(pl.Series(["97", "19", None]), codes.RELATION).to_list() == [True, False, None]


def test_divisions_have_their_days() -> None:
    lower_town = pl.Series(["330103", "330104", "330113", None])
    assert division.name(lower_town, dt.date(2021, 4, 8)).to_list() == ["下城区", "江干区", None, None]
    assert division.name(lower_town, dt.date(2021, 4, 9)).to_list() == [None, None, "临平区", None]
    assert division.name(pl.Series(["330110001002"]), dt.date(2026, 1, 1)).to_list() == ["余杭区"]


def test_levels_of_divisions() -> None:
    codes_received = pl.Series(
        ["330000", "330100", "330199", "330199103", "330199103001", "330199001201", "3301", None]
    )
    parts = division.parse(codes_received)
    assert parts.columns == ["county", "town", "community", "level", "town_kind", "community_kind"]
    assert parts["level"].to_list() == [
        "province", "prefecture", "county", "town", "community", "community", None, None,
    ]  # fmt: skip
    assert parts.row(4) == ("330199", "330199103", "330199103001", "community", "town", "resident")
    assert parts.row(5)[4:] == ("street", "village")
    assert parts.row(6) == (None,) * 6


def test_successors() -> None:
    codes_received = pl.Series(["330103", "330104", "330185", "330106", "330103001", "999999", None])
    assert division.current(codes_received, dt.date(2026, 1, 1)).to_list() == [
        "330105", "330102", "330112", "330106", "330103001", "999999", None,
    ]  # fmt: skip
    assert division.current(codes_received, dt.date(2020, 1, 1)).to_list()[0] == "330103"


def test_abolished_codes_stay_known() -> None:
    assert division.is_known(pl.Series(["330103", "330185", "110000", "999999", None])).to_list() == [
        True, True, True, False, None,
    ]  # fmt: skip
    table = division.table()
    assert set(table["successor"].drop_nulls()) <= set(table["code"])
    assert table["code"].is_unique().all()
    assert division.province(pl.Series(["440524188001010014", "99", None])).to_list() == [
        "广东省",
        None,
        None,
    ]
