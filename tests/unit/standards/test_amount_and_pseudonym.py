"""Exact money; keyed pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.standards import amount, pseudonym


@pytest.mark.parametrize(
    ("received", "sum_"),
    [
        ("1,234.50", "1234.50"), ("(12.00)", "-12.00"), ("（12）", "-12.00"), ("¥3.5万元", "35000.00"),
        ("-5", "-5.00"),
        ("９９元", "99.00"), ("100分", "1.00"), ("0.1", "0.10"), (".5", "0.50"), ("12.30000", "12.30"),
        ("0", "0.00"),
        ("9999999999999999.99", "9999999999999999.99"), ("0.29", "0.29"), ("1,234万", "12340000.00"),
        ("壹元", None),
        ("12.345", None), ("1.5E+6", None), ("1,23.4", None), ("", None), (".", None), ("元", None),
        ("(5", None),
        ("5)", None), ("12345678901234567", None), ("nan", None), ("1.2.3", None),
    ],
)  # fmt: skip
def test_yuan(received: str, sum_: str | None) -> None:
    out = amount.yuan(pl.Series("je", [received, None]))
    assert out.dtype == pl.Decimal(18, 2)
    assert out.to_list() == [None if sum_ is None else Decimal(sum_), None]
    assert out.name == "je"


def test_units() -> None:
    assert amount.yuan(pl.Series(["1.234567", "1.2345678", "12元"]), "wan_yuan").to_list() == [
        Decimal("12345.67"), None, Decimal("12.00"),
    ]  # fmt: skip
    assert amount.yuan(pl.Series(["1", "12345", "1.5"]), "fen").to_list() == [
        Decimal("0.01"),
        Decimal("123.45"),
        None,
    ]
    with pytest.raises(ValueError, match="wan_yuan"):
        amount.yuan(pl.Series(["1"]), "dollar")  # type: ignore[arg-type]


def test_sm3_vector() -> None:
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert pseudonym.sm3(b"abc").hex() == expected


KEY = bytes(range(32))


def test_hmac_sm3_by_its_definition() -> None:
    pad = KEY.ljust(64, b"\0")
    inner = pseudonym.sm3(bytes(b ^ 0x36 for b in pad) + b"330106190001010017")
    expected = pseudonym.sm3(bytes(b ^ 0x5C for b in pad) + inner).hex()
    values = pl.Series("id", ["330106190001010017", None, "x", "330106190001010017"])
    out = pseudonym.hmac_sm3(KEY, values)
    assert out.to_list()[:2] == [expected, None]
    assert out[0] == out[3] != out[2]
    assert pseudonym.hmac_sm3(KEY[::-1], values)[0] != expected


def test_without_sm3_in_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    values = pl.Series(["330106190001010017"])
    ours, digest = pseudonym.hmac_sm3(KEY, values), pseudonym.sm3(b"abc")
    monkeypatch.setattr(hashlib, "algorithms_available", {"sha256"})
    monkeypatch.setattr(hmac, "digest", None)
    assert pseudonym.hmac_sm3(KEY, values).equals(ours)
    assert pseudonym.sm3(b"abc") == digest


def test_short_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="openssl rand"):
        pseudonym.hmac_sm3(b"short", pl.Series(["x"]))


_WRITTEN = st.from_regex(r"\A[-+(¥]?[0-9,]{0,18}(\.[0-9]{0,3})?[元万)]?\Z") | st.none()


@given(st.lists(_WRITTEN, max_size=30))
def test_plain_sums_taken_as_they_stand_are_what_reading_them_gives(texts: list[str | None]) -> None:
    column = pl.Series("sum", texts, dtype=pl.String)
    assert amount.yuan(column).equals(amount._read(column, "yuan"), null_equal=True)
