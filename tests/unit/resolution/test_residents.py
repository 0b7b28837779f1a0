"""Which records are one resident: the exact stage, the rules, and the traps that the guards are for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from connectors.standards import resident_id
from resolution.residents import MAX_GROUP, Clusters, cluster
from resolution.sources import RESIDENT_SCHEMA


def number(birth: dt.date, serial: int) -> str:
    return str(resident_id.make(pl.Series(["330199"]), pl.Series([birth]), pl.Series([serial]))[0])


BORN, OTHER_DAY = dt.date(1975, 3, 5), dt.date(1982, 11, 20)
HEAD = number(BORN, 11)  # an odd serial: male
OTHER = number(OTHER_DAY, 12)


def record(name: str | None = None, no: str | None = None, **rest: Any) -> dict[str, Any]:
    return {"system": "s", "stream": "t", "resident_id_no": no, "name": name} | rest


def clustered(*records: dict[str, Any]) -> Clusters:
    rows = [{"record_key": str(at)} | row for at, row in enumerate(records)]
    return cluster(pl.DataFrame(rows, schema=RESIDENT_SCHEMA, orient="row", infer_schema_length=None))


def groups(found: Clusters) -> set[frozenset[int]]:
    frame = found.assigned.group_by("cluster").agg("row")
    assert found.assigned["row"].to_list() == list(range(len(found.assigned))), "every record exactly once"
    return {frozenset(rows) for rows in frame["row"].to_list()}


def together(*records: dict[str, Any]) -> bool:
    return len(groups(clustered(*records))) == 1


def test_one_valid_number_is_one_person_whatever_the_spelling_of_the_name() -> None:
    found = clustered(record("王伟", HEAD), record("王玮", HEAD), record(None, HEAD), record("李秀英", OTHER))
    assert groups(found) == {frozenset({0, 1, 2}), frozenset({3})}
    kinds = found.assigned.sort("row").select("link_kind", "reason").rows()
    assert kinds == [("exact", "resident_id")] * 3 + [("single", "no other record")]


def test_two_valid_numbers_are_never_one_person() -> None:
    alike = {"birth_date": BORN, "sex": "male", "phone": "13912345670"}
    twin = number(BORN, 13)
    found = clustered(record("王伟", HEAD, **alike), record("王伟", twin, **alike), record("王伟", None, **alike))
    assert {frozenset({0}), frozenset({1})} <= groups(found), "and the one without a number joins neither"


def test_an_invalid_number_is_no_number() -> None:
    wrong = HEAD[:-1] + ("0" if HEAD[-1] != "0" else "1")
    assert not together(record("王伟", wrong), record("李秀英", wrong))


def test_the_household_heads_number_typed_in_is_set_aside_and_reviewed() -> None:
    found = clustered(
        record("王伟", HEAD, birth_date=BORN),
        record("王伟", HEAD, birth_date=BORN),
        record("王小明", HEAD, birth_date=dt.date(2010, 9, 9)),
    )
    assert groups(found) == {frozenset({0, 1}), frozenset({2})}
    assert found.doubtful["row"].to_list() == [2]
    assert "another person" in found.doubtful["reason"][0]


@pytest.mark.parametrize(
    "odd", [record("王小明", HEAD, birth_date=BORN), record("王伟", HEAD, birth_date=OTHER_DAY), record("王小明", HEAD)]
)
def test_one_disagreement_alone_is_a_slip_of_the_pen(odd: dict[str, Any]) -> None:
    found = clustered(record("王伟", HEAD, birth_date=BORN), record("王伟", HEAD, birth_date=BORN), odd)
    assert len(groups(found)) == 1 and found.doubtful.is_empty()


@pytest.mark.parametrize(
    "shared",
    [{"phone": "13912345670"}, {"birth_date": BORN}],
)
def test_name_with_phone_or_birth_date_finds_the_one_person(shared: dict[str, Any]) -> None:
    known = record("王伟", HEAD, phone="13912345670")
    assert together(known, record("王伟", None, **shared))
    assert not together(known, record("李秀英", None, **shared)), "neither is a key alone"
    assert not together(known, record(None, None, **shared))
    assert not together(known, record("王伟", None))


def test_a_contradiction_stops_a_rule() -> None:
    known = record("王伟", HEAD, phone="13912345670")
    assert not together(known, record("王伟", None, phone="13912345670", birth_date=OTHER_DAY))
    assert not together(known, record("王伟", None, phone="13912345670", sex="female"))
    assert together(known, record("王伟", None, phone="13912345670", sex="unknown"))


def test_the_first_of_january_is_no_evidence() -> None:
    new_year = dt.date(1950, 1, 1)
    assert not together(record("王伟", number(new_year, 11)), record("王伟", None, birth_date=new_year))
    assert not together(record("王伟", None, birth_date=new_year), record("王伟", None, birth_date=new_year))
    assert together(record("王伟", None, birth_date=BORN), record("王伟", None, birth_date=BORN))


def test_records_without_any_number_join_each_other_and_transitively() -> None:
    """The first and the last share nothing but the one between them."""
    found = clustered(
        record("古丽", None, phone="13912345670", birth_date=BORN),
        record("古丽", None, birth_date=BORN),
        record("古丽", None, phone="13912345670", birth_date=BORN),
        record("古丽", None, phone="13800000001"),
    )
    assert groups(found) == {frozenset({0, 1, 2}), frozenset({3})}
    assert set(found.assigned.filter(pl.col("row") < 3)["link_kind"]) == {"rule"}


def test_records_that_contradict_each_other_are_not_joined_by_their_phone() -> None:
    assert not together(
        record("古丽", None, phone="13912345670", birth_date=BORN),
        record("古丽", None, phone="13912345670", birth_date=OTHER_DAY),
    )


def test_a_value_shared_by_too_many_joins_nobody() -> None:
    crowd = [record("王伟", None, phone="13912345670") for _ in range(MAX_GROUP + 1)]
    assert len(groups(clustered(*crowd))) == MAX_GROUP + 1
    assert len(groups(clustered(*crowd[:-1]))) == 1


def test_no_records_is_no_error() -> None:
    assert clustered().assigned.is_empty()
