"""Linking only what is new: it comes to where a full run would bring it, and what stands keeps together."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from connectors.standards import resident_id
from resolution.residents import changes, cluster
from resolution.sources import RESIDENT_SCHEMA
from tests.unit.resolution.relinked import relinked

BORN = dt.date(1975, 3, 5)


def number(serial: int, birth: dt.date = BORN) -> str:
    return str(resident_id.make(pl.Series(["330199"]), pl.Series([birth]), pl.Series([serial]))[0])


def table(*records: dict[str, Any]) -> pl.DataFrame:
    rows = [{"system": "s", "stream": "t", "record_key": f"{at:03}"} | row for at, row in enumerate(records)]
    return pl.DataFrame(rows, schema=RESIDENT_SCHEMA, orient="row", infer_schema_length=None)


WANG = {"name": "王伟", "resident_id_no": number(11), "birth_date": BORN, "phone": "13912345670"}
LI = {"name": "李秀英", "resident_id_no": number(12), "birth_date": BORN, "phone": "13800000001"}
OLD = (WANG, LI, {"name": "古丽", "phone": "13912345670"})


def after(*fresh: dict[str, Any]) -> tuple[set[frozenset[int]], list[str]]:
    """Clusters and kinds when `fresh` comes to `OLD`, by the changes alone; held against those of a full run."""
    records = table(*OLD, *fresh)
    found = relinked(table(*OLD), records)
    groups = {frozenset(rows) for rows in found.assigned.group_by("cluster").agg("row")["row"].to_list()}
    full = {frozenset(rows) for rows in cluster(records).assigned.group_by("cluster").agg("row")["row"].to_list()}
    assert groups == full
    return groups, found.assigned.sort("row")["link_kind"].to_list()


@pytest.mark.parametrize(
    ("fresh", "kind"),
    [
        (WANG, "exact"),
        ({"name": "王伟", "birth_date": BORN}, "probabilistic"),
        ({"name": "王伟"}, "probable"),
        ({"name": "陈小明", "resident_id_no": number(13)}, "single"),
        ({"name": "陈小明"}, "single"),
    ],
)
def test_a_new_record_comes_to_where_a_full_run_brings_it(fresh: dict[str, Any], kind: str) -> None:
    _, kinds = after(fresh)
    assert kinds[-1] == kind


def test_new_records_are_linked_to_each_other_and_to_standing_ones_without_a_number() -> None:
    groups, _ = after({"name": "古丽", "phone": "13912345670"}, {"name": "陈小明", "phone": "13700000017"},
                      {"name": "陈小明", "phone": "13700000017"})  # fmt: skip
    assert {frozenset({2, 3}), frozenset({4, 5})} <= groups


def test_a_borrowed_number_is_found_among_changes_too() -> None:
    records = table(*OLD, {"name": "王小明", "resident_id_no": number(11), "birth_date": dt.date(2010, 9, 9)})
    found = relinked(table(*OLD), records)
    assert found.doubtful["row"].to_list() == [3]
    assert found.assigned["link_kind"].to_list()[3] == "single"


def test_a_second_namesake_takes_a_bare_name_from_the_first() -> None:
    records = table(*OLD, {"name": "李秀英"}, {"name": "李秀英", "resident_id_no": number(13), "birth_date": BORN})
    assert cluster(records.head(4)).assigned.sort("row")["link_kind"][3] == "probable"
    found = relinked(records.head(4), records).assigned.sort("row")
    assert found["link_kind"][3] == "single" and cluster(records).assigned.sort("row")["link_kind"][3] == "single"


def test_a_number_that_new_records_show_to_be_borrowed_is_taken_from_the_one_that_stands() -> None:
    child = {"name": "陈小明", "resident_id_no": number(11), "birth_date": dt.date(2010, 9, 9)}
    records = table(child, WANG, WANG)
    found = relinked(records.head(1), records)
    assert found.doubtful["row"].to_list() == [0]
    assert found.assigned.sort("row")["cluster"].to_list() == [0, 1, 1]


def town(seed: int) -> pl.DataFrame:
    """Some 240 records of 60 people with few names among them, many records without a number or much else."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for person in range(60):
        born = BORN + dt.timedelta(days=int(rng.integers(0, 9000)))
        name = "王李张刘陈"[rng.integers(5)] + "伟芳娜敏静丽强磊"[rng.integers(8)] + "明华平军"[rng.integers(4)]
        whole = {"name": name, "resident_id_no": number(int(rng.integers(100, 900)), born), "birth_date": born,
                 "phone": f"139{rng.integers(10**7, 10**8)}", "address": f"幸福路{person % 25 + 1}号"}  # fmt: skip
        for _ in range(rng.integers(1, 8)):
            told = {field: value for field, value in whole.items() if field == "name" or rng.random() < 0.5}
            rows.append(told)
    return table(*rows)


@pytest.mark.parametrize("seed", range(6))
def test_changes_alone_come_to_what_a_full_run_gives(seed: int) -> None:
    records = town(seed)
    old = records.filter(pl.Series(np.random.default_rng([seed, 1]).random(records.height) > 0.08))
    some, full = relinked(old, records).assigned, cluster(records).assigned
    groups = [
        {frozenset(rows) for rows in found.group_by("cluster").agg("row")["row"].to_list()} for found in (some, full)
    ]
    assert groups[0] == groups[1]


def test_nothing_new_changes_nothing() -> None:
    before = cluster(table(*OLD)).assigned
    again = relinked(table(*OLD), table(*OLD)).assigned
    assert again.sort("row").equals(before.sort("row"))


def asked_again(*standing: dict[str, Any], fresh: dict[str, Any]) -> set[int]:
    """Rows of `standing` that are linked anew when `fresh` comes."""
    found: list[pl.Series] = []

    def told(*args: Any) -> pl.Series:
        found.append(ask(*args))
        return found[-1]

    ask = changes.asked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "asked", told)
        relinked(table(*standing), table(*standing, fresh))
    return set(found[0].to_list())


def test_who_is_with_nobody_is_asked_again_only_if_the_newcomer_may_be_the_one() -> None:
    """Of a dozen namesakes one more changes nothing for a name with a door of its own; the one who lives there does."""
    namesakes = [{"name": "王伟", "resident_id_no": number(100 + at), "birth_date": BORN} for at in range(12)]
    lone = {"name": "王伟", "address": "幸福路7号"}
    another = namesakes[0] | {"resident_id_no": number(300)}
    assert asked_again(*namesakes, lone, fresh=another) == set()
    assert asked_again(*namesakes, lone, fresh=another | {"address": lone["address"]}) == {12}


def test_who_is_somebodys_by_a_weight_is_asked_again_whoever_comes() -> None:
    """A bare name that is one person's is nobody's once a second bears it."""
    assert asked_again(*OLD, {"name": "李秀英"}, fresh=LI | {"resident_id_no": number(13)}) == {3}
