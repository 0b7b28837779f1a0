"""Which records are one resident: valid numbers, weighed evidence, lone names, and the traps of each."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.standards import resident_id
from resolution.residents import TORN, Clusters, cluster
from resolution.residents.exact import ONE_OF_TWO
from resolution.residents.linking import LARGEST
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
    assert found.doubtful["row"].to_list() == [2] == found.borrowed.to_list()
    assert "another person" in found.doubtful["reason"][0]


@pytest.mark.parametrize(
    "odd",
    [
        record("王小明", HEAD, birth_date=BORN),
        record("王伟", HEAD, birth_date=OTHER_DAY),
        record("王玮", HEAD),
        record(None, HEAD, birth_date=OTHER_DAY),
    ],
)
def test_one_disagreement_alone_is_a_slip_of_the_pen(odd: dict[str, Any]) -> None:
    found = clustered(record("王伟", HEAD, birth_date=BORN), record("王伟", HEAD, birth_date=BORN), odd)
    assert len(groups(found)) == 1 and found.doubtful.is_empty()


def test_quite_another_name_under_a_number_needs_a_birth_date_to_be_believed() -> None:
    found = clustered(record("王伟", HEAD, birth_date=BORN), record("李秀英", HEAD))
    assert groups(found) == {frozenset({0}), frozenset({1})}
    assert found.doubtful["row"].to_list() == [1], "the name that bears the number's birth date is its owner's"
    assert together(record("古丽·买买提", HEAD), record("古丽", HEAD)), "a name cut short is no other name"


@pytest.mark.parametrize(
    ("bearer", "other"),
    [
        ("王建国", record("王国建", HEAD)),  # the same characters are another name in another order
        ("古丽·买买提", record("阿依·买买提", HEAD)),  # sisters
        ("王浩", record("李静", HEAD, birth_date=BORN)),  # a register that has the birth date from the number
        ("王浩", record("王静", HEAD, birth_date=BORN, sex="female")),  # twins
        ("王建国", record("王建红", HEAD, sex="female")),
    ],
)
def test_a_relatives_number_is_set_aside(bearer: str, other: dict[str, Any]) -> None:
    found = clustered(record(bearer, HEAD, birth_date=BORN, sex="male"), record(bearer, HEAD), other)
    assert groups(found) == {frozenset({0, 1}), frozenset({2})}
    assert found.doubtful["row"].to_list() == [2] == found.borrowed.to_list()


@pytest.mark.parametrize("other", ["王建军", "王卫国", "王国"])
def test_a_brothers_number_or_a_slip_in_the_name_is_asked_about(other: str) -> None:
    """Half of the given name is the usual one: it stays where the number says until a steward has said whose it is."""
    found = clustered(record("王建国", HEAD, birth_date=BORN, sex="male"), record("王建国", HEAD), record(other, HEAD))
    assert len(groups(found)) == 1 and found.borrowed.is_empty()
    assert found.doubtful.rows() == [(2, ONE_OF_TWO)]


def test_whose_sex_and_birth_date_are_the_numbers_bears_it() -> None:
    """However many records of the other there are."""
    sister = record("王静", HEAD, birth_date=BORN, sex="female")
    found = clustered(sister, sister, sister, record("李浩", HEAD, birth_date=BORN, sex="male"))
    assert found.borrowed.to_list() == [0, 1, 2]


@pytest.mark.parametrize(
    ("bearer", "other"),
    [
        ("王志明", record("玉志明", HEAD)),  # a surname misread
        ("王志新", record("王志星", HEAD)),  # a name misheard
        ("古丽·买买提", record("古丽", HEAD)),  # cut short
        (
            "王志明",
            record("王小明", HEAD, birth_date=BORN),
        ),  # the birth date says it is the same
    ],
)
def test_one_name_written_badly_is_one_person(bearer: str, other: dict[str, Any]) -> None:
    found = clustered(record(bearer, HEAD, birth_date=BORN, sex="male"), record(bearer, HEAD), other)
    assert len(groups(found)) == 1 and found.doubtful.is_empty()


def kind_of_last(*records: dict[str, Any]) -> str:
    """How the last record is linked to the first, or `apart`."""
    assigned = clustered(*records).assigned
    same = assigned["cluster"][0] == assigned["cluster"][-1]
    return str(assigned["link_kind"][-1]) if same else "apart"


KNOWN = record("王伟", HEAD, birth_date=BORN, sex="male", phone="13912345670", address="锦绣花园3幢2单元501室")


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"phone": "13912345670"}, "probabilistic"),
        ({"birth_date": BORN}, "probabilistic"),
        ({"address": "锦绣花园3栋2单元501"}, "probabilistic"),
        ({"resident_id_no": HEAD[:6] + "********" + HEAD[-4:]}, "probabilistic"),
        ({"resident_id_no": HEAD[:8] + HEAD[9] + HEAD[8] + HEAD[10:], "birth_date": BORN}, "probabilistic"),
        ({}, "probable"),
        ({"birth_date": dt.date(1975, 1, 1)}, "probable"),
        ({"phone": "13912345670", "birth_date": OTHER_DAY}, "apart"),
        ({"sex": "female"}, "apart"),
        ({"sex": "unknown", "phone": "13912345670"}, "probabilistic"),
        ({"address": "和平路8号"}, "probable"),
        ({"address": "和平路8号", "birth_date": OTHER_DAY}, "apart"),
        ({"phone": "13800000001"}, "apart"),
    ],
)
def test_what_makes_a_record_without_a_valid_number_one_with_a_known_person(facts: dict[str, Any], kind: str) -> None:
    assert kind_of_last(KNOWN, record("王伟", None) | facts) == kind


def test_a_door_of_before_is_one_persons_only_while_nobody_else_has_the_name() -> None:
    namesake = record("王伟", OTHER, birth_date=OTHER_DAY, address="建设路1号")
    assert kind_of_last(KNOWN, namesake, record("王伟", None, address="和平路8号")) == "apart"


@pytest.mark.parametrize(
    "facts", [{"phone": "13912345670"}, {"birth_date": BORN}, {"address": "锦绣花园3幢2单元501室"}, {}]
)
def test_nothing_is_a_key_without_the_name(facts: dict[str, Any]) -> None:
    assert kind_of_last(KNOWN, record("李秀英", None, **facts)) == "apart"
    assert kind_of_last(KNOWN, record(None, None, **facts)) == "apart"


def test_a_homophone_with_the_birth_date_and_the_telephone_is_the_same_name_misheard() -> None:
    assert kind_of_last(KNOWN, record("王玮", None, birth_date=BORN, phone="13912345670")) == "probabilistic"


@pytest.mark.parametrize("name", ["王佳轩", "王芳", "赵敏"])
def test_a_twin_at_the_same_door_and_telephone_is_told_apart_by_the_given_name(name: str) -> None:
    alike = {"birth_date": BORN, "phone": "13912345670", "address": "锦绣花园3幢2单元501室"}
    assert kind_of_last(KNOWN, record(name, None, **alike)) == "apart"
    assert kind_of_last(KNOWN, record("玉伟", None, **alike)) == "probabilistic", "a surname misread is no other person"


def test_a_record_that_fits_two_people_goes_to_neither_and_is_reviewed() -> None:
    twin = record("王伟", number(BORN, 13), phone="13912345670")
    found = clustered(KNOWN, twin, record("王伟", None, birth_date=BORN, phone="13912345670"))
    assert len(groups(found)) == 3
    assert found.doubtful.rows() == [(2, TORN)]


def test_records_without_any_number_join_each_other_and_transitively() -> None:
    """The first and the last share nothing but the name and the one between them."""
    found = clustered(
        record("古丽", None, birth_date=BORN),
        record("古丽", None, phone="13912345670", birth_date=BORN),
        record("古丽", None, phone="13912345670"),
        record("阿依", None, phone="13800000001"),
    )
    assert groups(found) == {frozenset({0, 1, 2}), frozenset({3})}
    assert set(found.assigned.filter(pl.col("row") < 3)["link_kind"]) == {"probabilistic"}


def test_a_crowd_at_one_telephone_does_not_grow_into_one_person() -> None:
    crowd = [record("王伟", None, phone="13912345670") for _ in range(3 * LARGEST)]
    assert max(len(rows) for rows in groups(clustered(*crowd))) <= LARGEST


FIRST, GIVEN = ["王", "李", "古"], ["伟", "玮", "秀英", "小明"]
PEOPLE = st.lists(
    st.builds(
        record,
        st.one_of(st.none(), st.builds(str.__add__, st.sampled_from(FIRST), st.sampled_from(GIVEN))),
        st.sampled_from([None, HEAD, OTHER, HEAD[:6] + "********" + HEAD[-4:], HEAD[:-1]]),
        birth_date=st.sampled_from([None, BORN, OTHER_DAY]),
        phone=st.sampled_from([None, "13912345670", "13800000001"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(PEOPLE, st.randoms())
def test_any_order_of_the_rows_gives_the_same_clusters_and_none_with_two_numbers(
    records: list[dict[str, Any]], random: Any
) -> None:
    rows = [row | {"record_key": str(at)} for at, row in enumerate(records)]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    told = []
    for some in (rows, shuffled):
        found = cluster(pl.DataFrame(some, schema=RESIDENT_SCHEMA, orient="row", infer_schema_length=None))
        named = found.assigned.sort("row").with_columns(key=pl.Series([row["record_key"] for row in some]))
        named = named.with_columns(number=pl.Series([row["resident_id_no"] for row in some], dtype=pl.String))
        trusted = named.join(found.doubtful, on="row", how="anti").filter(pl.col("number").is_in([HEAD, OTHER]))
        assert trusted.group_by("cluster").agg(pl.col("number").n_unique())["number"].max() in (1, None)
        told.append({frozenset(keys) for keys in named.group_by("cluster").agg("key")["key"].to_list()})
    assert told[0] == told[1]


def test_no_records_is_no_error() -> None:
    assert clustered().assigned.is_empty()
