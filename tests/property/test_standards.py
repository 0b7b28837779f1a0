"""Properties of the standards: what is made is valid, one wrong character never is, mending is idempotent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.standards import (
    address,
    address_register,
    amount,
    codes,
    coordinates,
    credit_code,
    device_id,
    disability,
    division,
    legacy_tax,
    organisation_code,
    person_name,
    phone,
    plate,
    resident_id,
    text,
)

few = settings(max_examples=25, deadline=None)
divisions = st.integers(110000, 829999).map(str)
births = st.dates(dt.date(1850, 1, 1), dt.date(2099, 12, 31))

# What people paste into cells: controls, full width, private use, astral planes, digits in quantity.
anything = st.text(
    st.one_of(
        st.sampled_from(
            "0123456789Xx-/.·•()（）０９Ｘ幢栋号楼单元室一二十百万年月日路弄区镇元￥,+ \t\0\u3000\ufeff\ue863浙A"
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=24,
)

STRING_FUNCTIONS: list[Callable[[pl.Series], pl.Series]] = [
    address.canonical_key, address.normalise, amount.yuan, codes.ethnic_code, codes.relation_code, codes.sex,
    credit_code.is_valid, credit_code.normalise, credit_code.organisation_code, device_id.is_valid,
    device_id.normalise, disability.is_valid, disability.normalise, legacy_tax.kind, legacy_tax.organisation_code,
    legacy_tax.resident_id, organisation_code.is_valid, organisation_code.normalise, person_name.is_plausible,
    person_name.normalise, person_name.pinyin, phone.is_valid, phone.normalise, plate.is_valid, plate.kind,
    plate.normalise, resident_id.birth_date, resident_id.is_valid, resident_id.normalise, resident_id.sex,
    credit_code.kind, division.is_known, division.province, resident_id.kind, resident_id.upgrade,
    text.chinese_number, text.clean, text.date, text.from_private_use, text.half_width, text.has_replacement,
    text.month,
]  # fmt: skip
NORMALISERS = [
    address.normalise, credit_code.normalise, device_id.normalise, disability.normalise, organisation_code.normalise,
    person_name.normalise, phone.normalise, plate.normalise, resident_id.normalise, text.clean,
    text.from_private_use,
]  # fmt: skip


def _name(function: Callable[..., object]) -> str:
    return f"{function.__module__.rpartition('.')[2]}.{function.__name__}"


@pytest.mark.parametrize("function", STRING_FUNCTIONS, ids=_name)
@few
@given(values=st.lists(st.none() | anything, max_size=12))
def test_never_raises_keeps_length_nulls_and_rows(
    function: Callable[[pl.Series], pl.Series], values: list[str | None]
) -> None:
    column = pl.Series("c", values, dtype=pl.String)
    out = function(column)
    assert len(out) == len(column)
    assert out.name == "c"
    assert out.filter(column.is_null()).null_count() == column.null_count()
    assert function(column.reverse()).to_list() == out.to_list()[::-1]  # rows do not touch each other


@pytest.mark.parametrize("function", NORMALISERS, ids=_name)
@few
@given(values=st.lists(anything, max_size=8))
def test_normalising_twice_changes_nothing(function: Callable[[pl.Series], pl.Series], values: list[str]) -> None:
    once = function(pl.Series(values, dtype=pl.String))
    assert function(once).to_list() == once.to_list()


@few
@given(division=divisions, born=births, sequence=st.integers(0, 999))
def test_made_resident_ids_are_valid_and_tell_their_parts(division: str, born: dt.date, sequence: int) -> None:
    number = resident_id.make(pl.Series([division]), pl.Series([born]), pl.Series([sequence]))
    assert resident_id.is_valid(number).to_list() == [True]
    assert resident_id.birth_date(number).to_list() == [born]
    assert resident_id.sex(number).to_list() == ["male" if sequence % 2 else "female"]
    assert resident_id.normalise(number.str.to_lowercase()).to_list() == number.to_list()


@few
@given(
    division=divisions,
    born=births,
    sequence=st.integers(0, 999),
    place=st.integers(0, 17),
    shift=st.integers(1, 9),
)
def test_one_wrong_digit_is_always_found(division: str, born: dt.date, sequence: int, place: int, shift: int) -> None:
    number = resident_id.make(pl.Series([division]), pl.Series([born]), pl.Series([sequence]))[0]
    digit = "10" if number[place] == "X" else number[place]
    wrong = str((int(digit) + shift) % 10)
    damaged = number[:place] + wrong + number[place + 1 :]
    expected = damaged == number  # an X can be shifted onto nothing else than a digit
    assert resident_id.is_valid(pl.Series([damaged])).to_list() == [expected]


@few
@given(division=divisions, born=births, sequence=st.integers(0, 999), place=st.integers(0, 16))
def test_two_neighbours_exchanged_are_always_found(division: str, born: dt.date, sequence: int, place: int) -> None:
    number = resident_id.make(pl.Series([division]), pl.Series([born]), pl.Series([sequence]))[0]
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert resident_id.is_valid(pl.Series([swapped])).to_list() == [swapped == number]


@few
@given(
    division=divisions,
    born=st.dates(dt.date(1900, 1, 1), dt.date(1999, 12, 31)),
    sequence=st.integers(0, 995),
)
def test_old_numbers_regain_century_and_check(division: str, born: dt.date, sequence: int) -> None:
    whole = resident_id.make(pl.Series([division]), pl.Series([born]), pl.Series([sequence]))
    old = whole.str.slice(0, 6) + whole.str.slice(8, 9)
    assert resident_id.normalise(old).to_list() == whole.to_list()


@few
@given(
    start=st.sampled_from(["11", "12", "51", "91", "92", "93", "A1", "N1", "Y1"]),
    division=divisions,
    serial=st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8),
    place=st.integers(0, 17),
    other=st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"),
)
def test_credit_codes(start: str, division: str, serial: str, place: int, other: str) -> None:
    code = credit_code.make(start, pl.Series([division]), pl.Series([serial]))
    assert credit_code.is_valid(code).to_list() == [True]
    assert organisation_code.is_valid(credit_code.organisation_code(code)).to_list() == [True]
    damaged = code[0][:place] + other + code[0][place + 1 :]
    assert credit_code.is_valid(pl.Series([damaged])).to_list() == [damaged == code[0]]


@few
@given(day=st.dates())
def test_dates_read_back(day: dt.date) -> None:
    spellings = [
        f"{day:%Y}".zfill(4) + form
        for form in (f"-{day:%m-%d}", f"/{day.month}/{day.day}", f"{day:%m%d}", f"年{day.month}月{day.day}日")
    ]
    assert text.date(pl.Series(spellings)).to_list() == [day] * len(spellings)


_NUMERALS = "零一二三四五六七八九"


def _chinese(number: int) -> str:
    """The textbook spelling of 0–9999."""
    if number == 0:
        return "零"
    out, gap = "", False
    for power, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, number = divmod(number, power)
        if digit:
            out += ("零" if gap and out else "") + _NUMERALS[digit] + unit
            gap = False
        else:
            gap = True
    return out


@few
@given(number=st.integers(0, 9999), large=st.integers(1, 9999))
def test_chinese_numbers_read_back(number: int, large: int) -> None:
    spelt = pl.Series([_chinese(number), _chinese(large) + "万", _chinese(large) + "亿"])
    assert text.chinese_number(spelt).to_list() == [number, large * 10**4, large * 10**8]


@few
@given(fen=st.integers(-(10**18) + 1, 10**18 - 1))
def test_amounts_are_exact(fen: int) -> None:
    expected = Decimal(fen) / 100
    assert amount.yuan(pl.Series([f"{expected:.2f}", f"{expected:,.2f}"])).to_list() == [expected] * 2
    assert amount.yuan(pl.Series([str(fen)]), "fen").to_list() == [expected]
    wan = Decimal(fen) / 10**6
    assert amount.yuan(pl.Series([f"{wan:.6f}"]), "wan_yuan").to_list() == [expected]


@few
@given(lon=st.floats(73.5, 135.0), lat=st.floats(3.5, 53.5))
def test_coordinates_return_within_a_micrometre(lon: float, lat: float) -> None:
    for crs, forward in (("gcj02", coordinates.gcj02_from_wgs84), ("bd09", coordinates.bd09_from_wgs84)):
        back = coordinates.convert(*forward(lon, lat), crs)
        assert float(coordinates.distance(lon, lat, *back)) < 1e-6
        assert np.all(np.isfinite(back))


@few
@given(building=st.integers(1, 199), unit=st.integers(1, 9), room=st.integers(101, 3310))
def test_spellings_of_a_door_share_a_key(building: int, unit: int, room: int) -> None:
    spellings = pl.Series(
        [
            f"安澜区听澜镇锦绣花园{building}幢{unit}单元{room}室",
            f"锦绣花园{building}号楼{unit}单元{room}",
            f"锦绣花园{building}栋{_chinese(unit)}单元{room}室",
            f"锦绣花园{building}-{unit}-{room}",
            f"锦绣社区锦绣花园 {building} 幢 {unit} 单元 {room} 室",
        ]
    )
    assert address.canonical_key(spellings).unique().to_list() == [f"锦绣花园|{building}幢|{unit}|{room}"]


names = st.text("锦绣星河阳光翠竹香樟", min_size=2, max_size=4)
numbers = st.integers(1, 9999).map(str)


@settings(max_examples=60, deadline=None)
@given(
    place=st.tuples(names, st.sampled_from(["路", "街", "大道"]), st.none() | numbers),
    estate=names.map(lambda name: name + "花园"),
    inside=st.tuples(numbers, st.none() | st.integers(1, 99).map(str), st.none() | st.integers(101, 9999).map(str)),
)
def test_parts_of_an_address_compose_and_parse_back(
    place: tuple[str, str, str | None], estate: str, inside: tuple[str, str | None, str | None]
) -> None:
    values = ("安澜区", "听澜镇", "锦绣社区", estate, place[0] + place[1], None, place[2], *inside)
    parts = pl.DataFrame([values], schema=dict.fromkeys(address.PARTS, pl.String), orient="row")
    whole = address.compose(parts)
    assert address.parse(whole).row(0) == values
    register = pl.DataFrame({"address_code": ["A1"], "full_address": whole})
    assert address_register.match(whole, register).row(0) == ("A1", "door", 1)


def _one_of(*spellings: str) -> st.SearchStrategy[str]:
    return st.sampled_from(spellings)


addresses = st.tuples(
    _one_of("", "浙江省安澜区", "安澜区", "安澜区听澜镇", "听澜镇 "),
    _one_of("", "锦绣社区", "锦绣社区居委会"),
    _one_of("", "振兴路", "振兴路12号", "文化大道十二号", "上塘东弄3号-1", "上塘一弄3号之二号", "振兴路（南侧）0012号"),
    _one_of("", "锦绣花园", "锦绣花园小区", "国信大厦", "锦绣花园二区"),
    _one_of("", "3幢", "三栋", "３号楼", "A座", "03#", "12幢 "),
    _one_of("", "2单元", "二单元", "2门", "2-", "-2-"),
    _one_of("", "501", "501室", "0501房", "五零一室", "5楼501", "501号房", "1201A", "12楼"),
).map("".join)


@settings(max_examples=150, deadline=None)
@given(received=addresses)
def test_a_normalised_address_stays_and_keeps_its_key(received: str) -> None:
    once = address.normalise(pl.Series([received]))
    assert address.normalise(once).to_list() == once.to_list()
    assert address.canonical_key(once).to_list() == address.canonical_key(pl.Series([received])).to_list()


@few
@given(centre=divisions, serial=st.integers(0, 999_999), network=st.sampled_from("01567"))
def test_device_codes_tell_their_parts(centre: str, serial: int, network: str) -> None:
    code = device_id.make(pl.Series([centre]), pl.Series([serial]), network=network)
    assert device_id.parse(code).row(0) == (centre + "00", "00", "132", network, f"{serial:06d}", "A")
