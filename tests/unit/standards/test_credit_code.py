"""GB 32100, GB 11714 and the tax numbers before them."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.standards import credit_code, legacy_tax, organisation_code

VALID = [
    "91110000600037341L", "91330100799655058B", "914403001922038216",
    "91330106MA2H00006X", "N2330106MF0A00012X", "54330106MJ8X000122",
]  # fmt: skip


@pytest.mark.parametrize("code", VALID)
def test_valid(code: str) -> None:
    assert credit_code.is_valid(pl.Series([code])).to_list() == [True]


@pytest.mark.parametrize(
    "code",
    [
        "91330100799655068B",  # should end in C, and the organisation code is wrong too
        "91330100799655068C",  # own check right, the organisation code's wrong
        "91330100799655058C",  # organisation code's check right, own wrong
        "91330100799655058b",
        "9133010079965505B",
        "91330IO0799655058B",
        "",
    ],
)
def test_invalid(code: str) -> None:
    assert credit_code.is_valid(pl.Series([code])).to_list() == [False]


def test_both_checks_count() -> None:
    """A code whose own check is recomputed over a wrong organisation code is still refused."""
    body = "91330100799655068"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(char) * pow(3, i, 31) for i, char in enumerate(body))
    forged = body + alphabet[(31 - total % 31) % 31]
    assert credit_code.is_valid(pl.Series([forged])).to_list() == [False]


def test_normalise() -> None:
    received = pl.Series("c", ["９１３３０１００７９９６５５０５８b", " 9133 0100-799655058B", None])
    assert credit_code.normalise(received).to_list() == [VALID[1], VALID[1], None]


def test_parts() -> None:
    codes = pl.Series([VALID[1], "short", None])
    assert credit_code.organisation_code(codes).to_list() == ["799655058", None, None]
    assert credit_code.division(codes).to_list() == ["330100", None, None]


def test_kinds() -> None:
    codes = pl.Series(
        [VALID[0], VALID[4], VALID[5], VALID[3].replace("91", "92", 1), "Y1" + VALID[0][2:], "short", None]
    )
    assert credit_code.kind(codes).to_list() == [
        "enterprise", "rural_collective", "committee", "self_employed", "other", None, None,
    ]  # fmt: skip


def test_make() -> None:
    divisions = pl.Series(["330106", "330106", "33O106"])
    assert credit_code.make("91", divisions, pl.Series(["MA2H0000", "60003734", "1"])).to_list()[0] == VALID[3]
    made = credit_code.make(pl.Series(["91", "92", "N2"]), pl.Series(["330106"] * 3), pl.Series([1, 2, 10**7]))
    assert credit_code.is_valid(made).all()
    assert credit_code.make("91", divisions, pl.Series([1, 10**8, 1])).to_list()[1:] == [None, None]


def test_organisation_code() -> None:
    codes = organisation_code.normalise(pl.Series(["D2143569-X", "60003734-1", "79965505-8", "79965505-7", None]))
    assert codes.to_list() == ["D2143569X", "600037341", "799655058", "799655057", None]
    assert organisation_code.is_valid(codes).to_list() == [True, True, True, False, None]
    assert organisation_code.make(pl.Series(["D2143569", "60003734", "short"])).to_list() == [
        "D2143569X", "600037341", None,
    ]  # fmt: skip


def test_legacy_tax_numbers() -> None:
    numbers = pl.Series(
        [
            "330106799655058",
            "33010619320712123401",
            "33010632071212302",
            "110105491231002",
            VALID[2],
            "330106799655059",
            None,
        ]
    )
    assert legacy_tax.kind(numbers).to_list() == [
        "organisation", "resident", "resident", "resident", "credit_code", None, None,
    ]  # fmt: skip
    assert legacy_tax.organisation_code(numbers).to_list() == [
        "799655058", None, None, None, "192203821", None, None,
    ]  # fmt: skip
    assert legacy_tax.resident_id(numbers).to_list() == [
        None, "330106193207121234", "330106193207121234", "11010519491231002X", None, None, None,
    ]  # fmt: skip


def test_a_date_of_birth_outweighs_the_check_of_an_organisation() -> None:
    both = pl.Series([f"330106320712{sequence:03d}" for sequence in range(200)])
    both = both.filter(organisation_code.is_valid(both.str.slice(6)))
    assert len(both) > 5
    assert set(legacy_tax.kind(both)) == {"resident"}
    assert legacy_tax.organisation_code(both).null_count() == len(both)
    assert legacy_tax.resident_id(both).null_count() == 0
