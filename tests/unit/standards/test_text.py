"""Width, controls, numerals and dates."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from connectors.standards import text

DAY = dt.date(2026, 3, 5)


@pytest.mark.parametrize(
    "spelling",
    [
        "2026-03-05", "2026-3-5", "2026/3/5", "2026.03.05", "20260305", "2026年3月5日", "２０２６年３月５日",
        "二〇二六年三月五日", "二○二六年三月五号", "2026-03-05 08:30:00", "2026-03-05T08:30:00+08:00",
        "20260305083000", " 2026年03月05日 ",
    ],
)  # fmt: skip
def test_dates(spelling: str) -> None:
    assert text.date(pl.Series([spelling])).to_list() == [DAY]


@pytest.mark.parametrize(
    "spelling",
    ["2026-02-30", "26-3-5", "2026-13-01", "20261301", "0000-00-00", "3/5/2026", "长期", "", "2026-03-05x"],
)
def test_no_dates(spelling: str) -> None:
    assert text.date(pl.Series([spelling])).to_list() == [None]


def test_date_extremes() -> None:
    days = pl.Series(["9999-12-31", "2024-02-29", "1900-02-29", "2000-02-29", None, "二〇二六年十二月三十一日"])
    assert text.date(days).to_list() == [
        dt.date(9999, 12, 31), dt.date(2024, 2, 29), None, dt.date(2000, 2, 29), None, dt.date(2026, 12, 31),
    ]  # fmt: skip


def test_months() -> None:
    months = pl.Series(
        ["2026-03", "2026/3", "202603", "2026年3月", "二〇二六年三月", "2026-03-05", "202613", "x", None]
    )
    assert text.month(months).to_list() == ["2026-03"] * 6 + [None] * 3


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("十", 10), ("十五", 15), ("二十", 20), ("廿三", 23), ("一百零五", 105), ("两千零五", 2005),
        ("一百二十三", 123), ("三万五千", 35000), ("3万5千", 35000), ("一万亿", 10**12), ("二〇二六", 2026),
        ("壹佰贰拾", 120), ("４２", 42), ("七", 7), ("〇", 0), ("", None), ("东", None), ("一二百", None),
        ("-5", None),
    ],
)  # fmt: skip
def test_chinese_numbers(numeral: str, value: int | None) -> None:
    assert text.chinese_number(pl.Series([numeral, None])).to_list() == [value, None]


@pytest.mark.parametrize(
    ("spelling", "day"),
    [
        ("二〇二六年六月三十日", dt.date(2026, 6, 30)), ("二〇二六年六月三十号", dt.date(2026, 6, 30)),
        ("二零二六年十月二十日", dt.date(2026, 10, 20)), ("二〇二六年六月卅日", dt.date(2026, 6, 30)),
        ("二〇二六年六月廿一日", dt.date(2026, 6, 21)), ("二〇二六年六月三十一日", None),
        ("六月三十号", None), ("三十号", None), ("民国一百一十五年六月三十日", None),
    ],
)  # fmt: skip
def test_chinese_dates(spelling: str, day: dt.date | None) -> None:
    """Without a year, or in another era, the day would be a guess."""
    assert text.date(pl.Series([spelling])).to_list() == [day]


@pytest.mark.parametrize(("octets", "character"), [("FE9F", "䶮"), ("9534B235", "𠮷"), ("8139F338", "㐱")])
def test_rare_characters_survive_gb18030(octets: str, character: str) -> None:
    """FE9F decodes to private use by the tables of 2000; the other two have no place in GBK at all."""
    decoded = pl.Series([bytes.fromhex(octets).decode("gb18030")])
    assert text.from_private_use(decoded).to_list() == [character]
    with pytest.raises(UnicodeEncodeError):
        character.encode("gbk")


def test_clean() -> None:
    received = pl.Series("t", ["Ａ\u3000Ｂ\x00", "\ufeff x\ty ", "\u200b", None])
    cleaned = text.clean(received)
    assert cleaned.to_list() == ["A B", "x y", None, None]
    assert cleaned.name == "t"


def test_lost_text_is_seen() -> None:
    assert text.has_replacement(pl.Series(["张\ufffd", "锟斤拷", "张三", None])).to_list() == [
        True,
        True,
        False,
        None,
    ]
