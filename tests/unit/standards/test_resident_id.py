"""GB 11643: vectors of the standard's arithmetic, mending, and refusal."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from connectors.standards import resident_id

VALID = ["11010519491231002X", "440524188001010014", "330106190001010017", "330106193207121234"]
INVALID = [
    "330106202202300016",  # 30 February, check right
    "110105194912310021",  # wrong check
    "11010519491231002x",  # not canonical
    "010105194912310020",  # no division begins with 0
    "330106184912310011",
    "33010619000101001",
    "330106190001010017 ",
    "33010619000101001十",
    "1.23E+19",
    "",
]


@pytest.mark.parametrize("number", VALID)
def test_valid(number: str) -> None:
    assert resident_id.is_valid(pl.Series([number])).to_list() == [True]


@pytest.mark.parametrize("number", INVALID)
def test_invalid(number: str) -> None:
    assert resident_id.is_valid(pl.Series([number])).to_list() == [False]


@pytest.mark.parametrize(
    ("received", "canonical"),
    [
        ("110105491231002", "11010519491231002X"),
        ("330106000101001", "330106190001010017"),
        ("330106320712123", "330106193207121234"),
        (" 11010519491231002x\u3000", "11010519491231002X"),
        ("１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
        ("110105-19491231-002X", "11010519491231002X"),
        ("'11010519491231002X", "11010519491231002X"),
        ("110105194912310\ufeff02Х", "11010519491231002X"),
        ("330106850712997", "330106850712997"),  # centenarian of the old form: 18xx, flagged and not upgraded
        ("330106320732123", "330106320732123"),  # no such day: gains no check that would make it look whole
        ("1.23E+19", "1.23E+19"),
    ],
)
def test_normalise(received: str, canonical: str) -> None:
    assert resident_id.normalise(pl.Series([received])).to_list() == [canonical]


def test_every_division_of_birth_is_accepted() -> None:
    born = pl.Series([dt.date(1990, 2, 3)] * 5)
    divisions = pl.Series(["330103", "330113", "330114", "810000", "830000"])
    numbers = resident_id.make(divisions, born, pl.Series([1, 2, 3, 4, 999]))
    assert resident_id.is_valid(numbers).all()


def test_birth_date_and_sex() -> None:
    numbers = pl.Series("no", [*VALID[:2], "330106202202300016", "330106", None])
    assert resident_id.birth_date(numbers).to_list() == [
        dt.date(1949, 12, 31), dt.date(1880, 1, 1), None, None, None,
    ]  # fmt: skip
    assert resident_id.sex(numbers).to_list() == ["female", "male", "male", None, None]
    assert resident_id.birth_date(numbers).name == "no"


def test_nulls_stay_null_and_names_are_kept() -> None:
    column = pl.Series("sfzh", [None, VALID[0], None], dtype=pl.String)
    for function in (resident_id.normalise, resident_id.is_valid, resident_id.sex):
        out = function(column)
        assert out.name == "sfzh"
        assert out.is_null().to_list() == [True, False, True]


def test_empty_and_all_null_columns() -> None:
    for column in (pl.Series([], dtype=pl.String), pl.Series([None, None], dtype=pl.String)):
        assert len(resident_id.normalise(column)) == len(column)
        assert resident_id.is_valid(column).null_count() == len(column)
        assert resident_id.birth_date(column).null_count() == len(column)


def test_slices_of_a_column_read_their_own_rows() -> None:
    column = pl.Series([INVALID[1], INVALID[0], VALID[0], VALID[1]])
    assert resident_id.is_valid(column.slice(2)).to_list() == [True, True]
    assert resident_id.is_valid(pl.concat([column.slice(1, 1), column.slice(3)])).to_list() == [False, True]


def test_make_refuses_impossible_parts() -> None:
    born = pl.Series([dt.date(1990, 2, 3)] * 3)
    made = resident_id.make(pl.Series(["33010", "330106", "33010x"]), born, pl.Series([1, 1000, 1]))
    assert made.to_list() == [None, None, None]


def test_old_numbers_are_upgraded_and_nothing_else() -> None:
    received = pl.Series(["110105491231002", "330106850712997", "330106320732123", "33010632071212", VALID[0], None])
    assert resident_id.upgrade(received).to_list() == ["11010519491231002X", *received.to_list()[1:]]
    # Every old sequence up to 995 belongs to the twentieth century, the last four do not.
    edges = resident_id.upgrade(pl.Series(["330106850712995", "330106850712996", "330106850712999"]))
    assert edges.str.len_chars().to_list() == [18, 15, 15]


def test_documents_are_told_apart() -> None:
    born = pl.Series([dt.date(1990, 2, 3)] * 5)
    divisions = pl.Series(["330199", "810000", "820000", "830000", "911156"])
    numbers = resident_id.make(divisions, born, pl.Series([1, 2, 3, 4, 5]))
    assert resident_id.is_valid(numbers).all()
    documents = resident_id.kind(pl.concat([numbers, pl.Series(["330199", None])]))
    assert documents.to_list() == ["resident", "hong_kong", "macao", "taiwan", "foreign", None, None]


def test_centenarian_flag() -> None:
    numbers = pl.Series(["330106850712997", "330106850712123", "330106198507129970", None])
    assert resident_id.centenarian_flag(numbers).to_list() == [True, False, False, None]
