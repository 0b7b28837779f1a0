"""Totals of a ledger: of parts they add up, whatever the parts, and the hash tells who is with whom."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from resolution.content import Totals

labels = st.lists(st.integers(0, 5), min_size=1, max_size=20)


def memberships(labels: list[int], *, prefix: str = "R") -> pl.DataFrame:
    keys = [f"{prefix}{label}" for label in labels]
    return pl.DataFrame({"system": "s", "stream": "t", "record_key": [str(at) for at in range(len(labels))],
                         "entity_key": keys, "link_kind": "rule"})  # fmt: skip


@given(labels, st.integers(0, 5))
def test_totals_of_parts_add_up_to_those_of_the_whole(labels: list[int], border: int) -> None:
    whole = memberships(labels)
    some, rest = (whole.filter((pl.col("entity_key") < f"R{border}") == side) for side in (True, False))
    assert Totals.of(some) + Totals.of(rest) == Totals.of(whole)
    assert Totals.of(whole) - Totals.of(some) == Totals.of(rest)


@given(labels)
def test_the_hash_tells_groups_and_link_kinds_and_not_keys(labels: list[int]) -> None:
    one = Totals.of(memberships(labels)).content_hash
    assert one == Totals.of(memberships(labels, prefix="X").reverse()).content_hash and len(one) == 64
    assert one != Totals.of(memberships(labels).with_columns(link_kind=pl.lit("steward"))).content_hash
    apart = memberships([*labels[:-1], 99])
    assert (Totals.of(apart).content_hash == one) == (labels.count(labels[-1]) == 1)


def test_the_hash_is_the_same_on_every_machine() -> None:
    told = Totals.of(memberships([0, 0, 1]))
    assert (told.records, told.entities, dict(told.links)) == (3, 2, {"rule": 3})
    assert told.content_hash == "13855b678b11edb5d0d9e5972cb09b3206e3986af71da088342de8240c09b645"
