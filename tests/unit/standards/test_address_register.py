"""Free text finds the door of the town's register, or says how far it got."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.standards import address_register

REGISTER = pl.DataFrame(
    [
        ("A1", "安澜区听澜镇锦绣花园3幢1单元501室", "C1", "G1"),
        ("A2", "安澜区听澜镇锦绣花园3幢2单元501室", "C1", "G1"),
        ("A3", "安澜区听澜镇锦绣花园3幢2单元502室", "C1", "G2"),
        ("A4", "安澜区听澜镇星河公寓1幢1单元101室", "C2", "G3"),
        ("A5", "安澜区听澜镇星河家园1幢1单元101室", "C2", "G3"),
        ("A6", "安澜区听澜镇上塘东弄12号301室", "C3", "G4"),
        ("A7", "安澜区听澜镇振兴路88号", "C3", "G4"),
        ("A8", "安澜区听澜镇振兴路88号", "C3", "G5"),
        ("A8", "安澜区听澜镇振兴路88号", "C3", "G5"),
    ],
    schema=["address_code", "full_address", "community_code", "grid_code"],
    orient="row",
)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("锦绣花园3栋二单元501", ("A2", "door", 1, "C1", "G1")),
        ("听澜镇锦绣花园3-2-502", ("A3", "door", 1, "C1", "G2")),
        ("锦绣小区3-2-502", ("A3", "door_by_alias", 1, "C1", "G2")),
        ("锦绣3幢2单元502室", ("A3", "door_by_alias", 1, "C1", "G2")),
        ("锦绣花园3幢502室", ("A3", "door_without_unit", 1, "C1", "G2")),
        ("锦绣花园3幢501室", (None, "door_without_unit", 2, "C1", "G1")),  # in both units
        ("锦绣花园3幢3单元502室", (None, "building", 3, "C1", None)),  # no such unit: not the other unit's 502
        ("锦绣花园三幢", (None, "building", 3, "C1", None)),
        ("锦绣花园9幢101室", (None, "place", 3, "C1", None)),
        ("星河小区1-1-101", (None, None, None, None, None)),  # two estates are called so
        ("锦绣家园3幢2单元502室", (None, None, None, None, None)),  # another estate, not an everyday name
        ("上塘东弄十二号301", ("A6", "door", 1, "C3", "G4")),
        ("上塘东弄12号302室", (None, "building", 1, "C3", "G4")),
        ("振兴路88号", (None, "door", 2, "C3", None)),  # two doors of the register share the address
        ("小区门口", (None, None, None, None, None)),
        (None, (None, None, None, None, None)),
    ],
)
def test_match(text: str | None, answer: tuple[object, ...]) -> None:
    found = address_register.match(pl.Series([text], dtype=pl.String), REGISTER)
    assert found.columns == ["address_code", "match_level", "candidates", "community_code", "grid_code"]
    assert found.row(0) == answer


def test_rows_keep_their_order() -> None:
    texts = pl.Series(["小区门口", "锦绣花园3-2-502", None, "锦绣花园3-2-501", "锦绣花园3-2-502"])
    assert address_register.match(texts, REGISTER)["address_code"].to_list() == [None, "A3", None, "A2", "A3"]
    assert address_register.match(texts.head(0), REGISTER).height == 0
    assert address_register.match(texts, REGISTER.head(0))["match_level"].null_count() == 5


def test_every_door_of_the_register_finds_itself() -> None:
    found = address_register.match(REGISTER["full_address"], REGISTER.unique("full_address", maintain_order=True))
    assert set(found["match_level"]) == {"door"}


def test_a_register_without_codes_is_refused() -> None:
    with pytest.raises(ValueError, match="address_code"):
        address_register.match(pl.Series(["x"]), REGISTER.drop("address_code"))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("锦绣花园3栋二单元501", ("锦绣花园|3幢", "C1", "G1")),
        ("锦绣小区3幢", ("锦绣花园|3幢", "C1", "G1")),  # as two of its three doors have it
        ("锦绣花园3幢9单元", ("锦绣花园|3幢", "C1", "G1")),
        ("锦绣花园9幢101室", ("锦绣花园|9幢", None, None)),
        ("锦绣花园", (None, None, None)),
        ("星河小区1-1-101", ("星河|1幢", None, None)),  # two estates are called so
        ("星河家园1幢", ("星河家园|1幢", "C2", "G3")),
        ("上塘东弄12号302室", ("上塘东弄|12号", "C3", "G4")),
        ("振兴路88号", ("振兴路|88号", None, None)),  # its two doors say different things
        (
            "柳浪小区1幢",
            ("柳浪|1幢", None, None),
        ),  # one of the two estates called so is in the register without a house
        (None, (None, None, None)),
    ],
)
def test_match_buildings(text: str | None, answer: tuple[object, ...]) -> None:
    more = [("A9", "柳浪花园1幢1单元101室", "C4", "G6"), ("A10", "柳浪新村", "C4", "G6")]
    register = pl.concat([REGISTER, pl.DataFrame(more, schema=REGISTER.schema, orient="row")])
    known = address_register.buildings(register)
    found = address_register.match_buildings(pl.Series([text], dtype=pl.String), known)
    assert found.columns == ["building", "community_code", "grid_code"]
    assert found.row(0) == answer


def test_buildings_are_found_where_doors_are() -> None:
    """What the register's doors say of a building alike is said by the building, and by nothing else."""
    texts = pl.concat([REGISTER["full_address"], pl.Series(["锦绣小区3-2-502", "星河家园1幢", "上塘东弄十二号"])])
    known = address_register.buildings(REGISTER.select("address_code", "full_address", "community_code"))
    by_building = address_register.match_buildings(texts, known)["community_code"]
    assert by_building.to_list() == address_register.match(texts, REGISTER)["community_code"].to_list()
