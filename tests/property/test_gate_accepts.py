"""What conform accepts, the gate accepts: else one sound row of one source holds back everything that rests on it.

The gate's rules are written anew, in SQL, so that a slip of conform does not pass unseen; so they must be asked, by
PostgreSQL itself, whether they are narrower than conform's anywhere.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.conform import Conformer
from connectors.contract import Column, Server, Stream
from connectors.region import region
from connectors.semantics import SEMANTICS
from connectors.standards import credit_code, resident_id
from quality import contract_rules

NOW = dt.datetime(2026, 6, 30, tzinfo=dt.UTC)
SETTINGS = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)

digits = st.text("0123456789", min_size=0, max_size=34)
any_year = st.integers(1, 9999).map(lambda year: f"{year:04d}")


def _number(division: int, birth: dt.date, sequence: int) -> str:
    made = resident_id.make(pl.Series([str(division)]), pl.Series([birth]), pl.Series([sequence]))
    return str(made[0])


numbers = st.builds(
    _number, st.integers(100000, 999999), st.dates(dt.date(1840, 1, 1), dt.date(2199, 12, 31)), st.integers(0, 999)
)
old_numbers = st.from_regex(r"[1-9][0-9]{5}[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9])[0-9]{3}", fullmatch=True)
letters = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=14, max_size=21)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
credit_codes = st.from_regex(r"9[123][0-9]{6}[0-9A-Z]{9}", fullmatch=True).map(
    lambda body: next(
        (code for last in ALPHABET if credit_code.is_valid(pl.Series([code := body + last]))[0]),
        body,
    )
)  # fmt: skip
yuan = st.decimals(-(10**17), 10**17, places=2, allow_nan=False).map(str) | st.integers(-(10**12), 10**12).map(str)
polygons = st.sampled_from(
    [
        '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}',
        '{"type" :\n"MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}',
        '{"type": "Feature", "properties": {}, "geometry":'
        ' {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}',
        '{"type": "\\u0050olygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}',
        '{"type": "Point", "coordinates": [0, 0]}',
    ]
)
west, south, east, north = region()
TEXTS: dict[str, st.SearchStrategy[str]] = {
    "cn.resident_id": numbers | old_numbers,
    "cn.credit_code": credit_codes | letters,
    "cn.taxpayer_no": credit_codes | letters | digits | numbers | numbers.map(lambda n: n + "00") | old_numbers,
    "cn.phone": st.from_regex(r"(\+86|0086|86)?0?1[3-9][0-9]{9}|0?[1-9][0-9]{6,11}(-[0-9]{1,4})?", fullmatch=True)
    | digits,
    "cn.person_name": st.from_regex(r"[\u4e00-\u9fa5〇]{2,4}(·[\u4e00-\u9fa5]{1,5})?", fullmatch=True)
    | st.from_regex(r"[A-Za-z' .-]{2,20}", fullmatch=True)
    | st.text(max_size=8),
    "cn.sex": st.sampled_from(["0", "1", "2", "9", "男", "女", "M", "f", "未知", "3"]),
    "cn.ethnic_group": st.sampled_from(["1", "01", "汉", "汉族", "HA", "56", "57", "58", "97", "98", "99"]) | digits,
    "cn.family_relation": st.sampled_from(["0", "00", "01", "1", "2", "10", "户主", "子", "99", "98"]) | digits,
    "cn.disability_certificate": st.builds(
        lambda n, tail: n + tail, numbers, st.from_regex(r"[0-9][0-9](B[0-9])?", fullmatch=True)
    ),
    "cn.disability_class": st.sampled_from([*"0123456789", "视力", "多重", "肢体残疾", "一级"]),
    "cn.disability_level": st.sampled_from([*"0123456789", "一级", "四级", "二", "Ⅲ"]),
    "cn.bank_account": digits,
    "cn.property_unit": st.from_regex(r"[0-9]{12}[A-Z][A-Z][0-9]{5}[A-Z]([0-9]{8}|0{8})", fullmatch=True)
    | st.from_regex(r"[1-8][0-9]{11}[GJZ][A-Z][0-9]{5}([FLQ][0-9]{8}|W0{8})", fullmatch=True),
    "cn.gb28181_device_id": st.text("0123456789", min_size=15, max_size=21)
    | st.from_regex(r"[1-8][0-9]{15}|[1-8][0-9]{19}", fullmatch=True),
    "cn.warning_id": st.from_regex(r"[1-8][0-9]{13}[_-]20[0-9]{2}(0[1-9]|1[0-2])[0-9]{8}[_-][0-9]", fullmatch=True),
    "cn.amount": yuan,
    "cn.month": st.builds(lambda y, m: f"{y}-{m:02d}", any_year, st.integers(0, 13))
    | st.builds(lambda y, m: f"{y}年{m}月", any_year, st.integers(0, 13))
    | st.dates(dt.date(1, 1, 1)).map(dt.date.isoformat),
    "geo.polygon": polygons,
    **{
        f"geo.{crs}longitude": st.floats(west - 0.1, east + 0.1).map(repr)
        for crs in ("", "gcj02.", "bd09.", "wgs84.")
    },
}  # fmt: skip


def column(semantic: str) -> tuple[Column, ...]:
    key = Column("id", "id", "string", "L1", primary_key=True, required=True)
    told = Column("longitude", "x", min(SEMANTICS[semantic].logical_types), "L1", semantic_type=semantic, required=True)
    if not semantic.endswith("longitude"):
        return key, told
    partner = semantic.replace("longitude", "latitude")
    return key, told, Column("latitude", "y", "number", "L1", semantic_type=partner, required=True)


def refused_by_the_gate(url: str, semantic: str, texts: list[str]) -> list[tuple[str, object]]:
    """(check, value) of everything that conform accepts and an error of the gate does not."""
    columns = column(semantic)
    stream = Stream("any", "any", "any", "changes", columns)
    middle = repr((south + north) / 2)
    page = pl.DataFrame({"id": [str(n) for n in range(len(texts))], "x": texts, "y": [middle] * len(texts)})
    page = page.select(c.physical_name for c in columns)
    accepted = Conformer(stream, Server("any", {"protocol": "gateway"}), now=NOW)(page).accepted
    names = [c.name for c in columns]
    types = [f'"{c.name}" {c.postgres_type}' for c in columns]
    found: list[tuple[str, object]] = []
    with psycopg.connect(url) as conn:
        conn.execute(f"CREATE TEMP TABLE told ({', '.join(types)})".encode())
        with conn.cursor() as cursor:
            places = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO told VALUES ({places})".encode(), accepted.select(names).rows())
        for check in contract_rules.checks_of(stream, NOW.date()):
            if check.severity == "error" and check.by_row:
                query = f"SELECT longitude FROM told WHERE NOT ({check.arguments['condition']})"
                found += [(check.name, value) for (value,) in conn.execute(query.encode())]
        conn.rollback()
    return found


def test_every_standard_that_the_gate_judges_is_asked() -> None:
    judged = {*contract_rules.PATTERNS, *contract_rules.SETS, "cn.amount"}
    assert judged <= TEXTS.keys()
    assert {name.replace("latitude", "longitude") for name in SEMANTICS if name.endswith("tude")} <= TEXTS.keys()


@pytest.mark.parametrize("semantic", TEXTS)
def test_what_conform_accepts_the_gate_accepts(semantic: str, server_url: str) -> None:
    @SETTINGS
    @given(st.lists(TEXTS[semantic], min_size=20, max_size=60))
    def asked(texts: list[str]) -> None:
        assert refused_by_the_gate(server_url, semantic, texts) == []

    asked()


@pytest.mark.parametrize(
    ("semantic", "text"),
    [
        ("cn.gb28181_device_id", "3301060000000131"),
        ("cn.amount", "1200000000"),
        ("cn.resident_id", _number(330106, dt.date(2100, 1, 1), 1)),
        ("cn.disability_certificate", _number(330106, dt.date(2100, 1, 1), 1) + "11"),
        ("geo.polygon", '{"type": "\\u0050olygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}'),
    ],
)
def test_what_once_held_a_family_back(semantic: str, text: str, server_url: str) -> None:
    assert refused_by_the_gate(server_url, semantic, [text]) == []


@pytest.mark.parametrize(("maximum", "kept"), [(None, ["999999999.99"]), (5e9, ["999999999.99", "1200000000.00"])])
def test_a_sum_that_no_town_pays_is_quarantined_unless_the_contract_says_more(
    maximum: float | None, kept: list[str]
) -> None:
    key = Column("id", "id", "string", "L1", primary_key=True, required=True)
    paid = Column("paid", "x", "number", "L1", semantic_type="cn.amount", minimum=maximum and 0.0, maximum=maximum)
    page = pl.DataFrame({"id": ["1", "2", "3"], "x": ["999999999.99", "1200000000", "5000000000.01"]})
    stream = Stream("any", "any", "any", "changes", (key, paid))
    done = Conformer(stream, Server("any", {"protocol": "gateway"}), now=NOW)(page)
    assert [str(value) for value in done.accepted["paid"]] == kept
    assert {reason for reasons in done.rejected["reasons"] for reason in reasons} == {"paid:out_of_range"}
