"""Linking only what is new: it comes to where a full run would bring it, and what stands keeps together."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from connectors.standards import resident_id
from resolution.residents import cluster
from resolution.sources import RESIDENT_SCHEMA

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
    before = cluster(table(*OLD)).assigned
    records = table(*OLD, *fresh)
    found = cluster(records, standing=before.select("row", "cluster", "link_kind"))
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
    before = cluster(table(*OLD)).assigned
    found = cluster(records, standing=before.select("row", "cluster", "link_kind"))
    assert found.doubtful["row"].to_list() == [3]
    assert found.assigned["link_kind"].to_list()[3] == "single"


def test_nothing_new_changes_nothing() -> None:
    before = cluster(table(*OLD)).assigned
    again = cluster(table(*OLD), standing=before.select("row", "cluster", "link_kind")).assigned
    assert again.sort("row").equals(before.sort("row"))
