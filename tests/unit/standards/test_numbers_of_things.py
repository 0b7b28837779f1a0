"""Disability certificates, device codes, units of real estate, bank accounts, phones, plates, warnings."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.standards import bank_account, device_id, disability, phone, plate, property_unit, weather_warning

IDENTITY = "330106190001010017"


def test_disability_certificates() -> None:
    received = pl.Series([f"{IDENTITY}43", f"{IDENTITY}21b2", f" {IDENTITY[:6]} {IDENTITY[6:]}74", f"{IDENTITY}83",
                          f"{IDENTITY}45", "33010619000101001843", "1.23E+19", None])  # fmt: skip
    numbers = disability.normalise(received)
    assert disability.is_valid(numbers).to_list() == [True, True, True, False, False, False, False, None]
    parts = disability.parse(numbers)
    assert parts.columns == ["resident_id", "class", "level", "reissue"]
    assert parts.rows()[:4] == [
        (IDENTITY, "4", "3", 0),
        (IDENTITY, "2", "1", 2),
        (IDENTITY, "7", "4", 0),
        (None,) * 4,
    ]
    assert disability.CLASSES["1"] == "视力" and disability.CLASSES["2"] == "听力"
    assert disability.class_code(pl.Series(["肢体残疾", "听力", "1", "8", None])).to_list() == [
        "4",
        "2",
        "1",
        None,
        None,
    ]
    assert disability.level_code(pl.Series(["一级", "二", "3级", "4", "5", None])).to_list() == [
        "1",
        "2",
        "3",
        "4",
        None,
        None,
    ]


def test_device_codes() -> None:
    codes = pl.Series(["33010600001320000001", "3301060000000101", "330106", "00000000000000000000", None])
    assert device_id.is_valid(codes).to_list() == [True, True, False, False, None]
    parts = device_id.parse(codes)
    assert parts.columns == ["centre", "industry", "type", "network", "serial", "rule"]
    assert parts.row(0) == ("33010600", "00", "132", "0", "000001", "A")
    assert parts.row(1) == ("33010600", "00", "01", None, "0001", "B")
    assert parts.row(2) == (None,) * 6
    assert device_id.parse(codes, edition="2011").row(0) == ("33010600", "00", "132", None, "0000001", "A")
    assert device_id.normalise(pl.Series([" 33010600-00-132-0-000001"])).to_list() == [codes[0]]


def test_units_of_real_estate() -> None:
    house, land = "330199001002GB00003F00010012", "330199001002JC00003W00000000"
    received = pl.Series([house, land, "330199 001002 gb00003 f00010012", house[:27], land[:-1] + "1", "330199001002G",
                          "330199001002XX00003F00010012", None])  # fmt: skip
    codes = property_unit.normalise(received)
    assert property_unit.is_valid(codes).to_list() == [True, True, True, False, False, False, False, None]
    parts = property_unit.parse(codes)
    assert parts.row(0) == (house[:19], "F", "0001", "0012")
    assert parts.row(1) == (land[:19], "W", "0000", "0000")
    assert parts.row(2) == parts.row(0) and parts.row(3) == (None,) * 4


def test_bank_accounts() -> None:
    received = pl.Series(["6299 0000-1234 5678 901", "６２９９00001234567", "6.29900E+18", "1234567",
                          "0000000000000000", "开户中", None])  # fmt: skip
    numbers = bank_account.normalise(received)
    assert numbers.to_list()[:2] == ["6299000012345678901", "629900001234567"]
    assert bank_account.is_valid(numbers).to_list() == [True, True, False, False, False, False, None]


def test_industries_have_the_name_of_their_edition() -> None:
    industries = pl.Series(["00", "12", "43", "56", None])
    names = {edition: device_id.industry_name(industries, edition).to_list() for edition in device_id.INDUSTRIES}
    assert names["2016"] == names["2011"] == ["社会治安路面接入", None, "冶金企业接入", None, None]
    assert names["2022"] == ["社会治安路面接入", "民航接入", "电力、热力、燃气及水生产和供应业接入", None, None]
    assert names["DB33"] == ["社会治安路面接入", "看守监管接入", "冶金企业接入", "报警运营服务企业接入", None]
    assert device_id.parse(pl.Series(["33010600001320000001"]), edition="2022")["network"].to_list() == ["0"]
    assert device_id.NETWORKS["6"] == "政务网" and device_id.NETWORKS["7"] == "互联网"
    assert {"111", "118", "121", "131", "132", "134", "200", "215", "216"} <= set(device_id.TYPES)


def test_device_codes_are_composed() -> None:
    made = device_id.make(pl.Series(["330106", "33010600", "3301"]), pl.Series([1, 10**6, 5]), type="131")
    assert made.to_list() == ["33010600001310000001", None, "33010000001310000005"]


@pytest.mark.parametrize(
    "spelling",
    ["13812345678", "+86 138-1234-5678", "0086 13812345678", "8613812345678", "013812345678",
    "１３８１２３４５６７８",
     "138 1234 5678", "13812345678.0", "13812345678/13912345670", "13812345678(儿子)"],
)  # fmt: skip
def test_mobiles(spelling: str) -> None:
    assert phone.normalise(pl.Series([spelling])).to_list() == ["13812345678"]


@pytest.mark.parametrize(
    "spelling",
    [
        "057188881234",
        "0571-88881234",
        "(0571)8888 1234",
        "88881234",
        "0571-88881234转801",
        "0571-88881234-801",
        "+86 571 88881234",
    ],
)
def test_landlines(spelling: str) -> None:
    assert phone.normalise(pl.Series([spelling])).to_list() == ["057188881234"]


@pytest.mark.parametrize("filler", ["13800138000", "11111111111", "13888888888", "0571-00000000", "无", "", "0", "-"])
def test_placeholders_are_missing(filler: str) -> None:
    assert phone.normalise(pl.Series([filler])).to_list() == [None]


def test_phone_validity() -> None:
    numbers = pl.Series(
        [
            "13812345678",
            "057188881234",
            "01062345678",
            "12812345678",
            "110",
            "1381234567",
            "13800138000",
            None,
        ]
    )
    assert phone.is_valid(numbers).to_list() == [True, True, True, False, False, False, False, None]
    assert phone.is_mobile(numbers).to_list() == [True, False, False, False, False, False, True, None]
    assert phone.normalise(numbers).to_list()[3:6] == ["12812345678", "110", "1381234567"]


def test_plates() -> None:
    received = pl.Series(
        [
            "浙A·12345",
            "浙ad12345",
            "浙A12345D",
            "浙A1234警",
            "浙A1234挂",
            "浙AO1I34",
            "粤Z1234港",
            "浙A123",
            "X12345",
            None,
        ]
    )
    plates = plate.normalise(received)
    assert plate.kind(plates).to_list() == [
        "ordinary", "new_energy_small", "new_energy_large", "police", "trailer", "ordinary", "hong_kong",
        None, None, None,
    ]  # fmt: skip
    assert plates.to_list()[5] == "浙A01134"
    assert plate.is_valid(plates).to_list() == [True] * 7 + [False, False, None]


def test_identifiers_of_warnings() -> None:
    good = "33019941600001_20260630080000_"
    cut, no_such_day = "3301994160000_20260630080000_1", "33019941600001_20260231080000_1"
    received = pl.Series([good + "1", f" {good}9", "３" + good[1:] + "0", no_such_day, cut, None])
    ids = weather_warning.normalise(received)
    assert weather_warning.is_valid(ids).to_list() == [True, True, True, False, False, None]
    assert weather_warning.parse(ids)["number"].to_list() == ["1", "9", "0", None, None, None]
