"""Blocking: each pair once, none of two numbers, and no rule beyond its budget."""

from __future__ import annotations

from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolution.residents import blocking
from resolution.residents.blocking import RULES, candidate_pairs
from resolution.residents.features import COLUMNS

RULE = {"phone": ("phone",), "name and birth": ("name", "birth")}
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.sampled_from([None, None, "n"]),
            "phone": st.sampled_from([None, "1", "2"]),
            "name": st.sampled_from([None, "a", "b"]),
            "birth": st.sampled_from([None, "x", "y"]),
            "changed": st.booleans(),
        }
    ),
    min_size=1,
    max_size=14,
)
SCHEMA = {"number": pl.String, "phone": pl.String, "name": pl.String, "birth": pl.String, "changed": pl.Boolean}


@settings(max_examples=60, deadline=None)
@given(ROWS, st.booleans())
def test_pairs_are_those_that_one_counts_by_hand(rows: list[dict[str, object]], some: bool) -> None:
    frame = pl.DataFrame(rows, schema=SCHEMA).with_row_index("id").with_columns(pl.col("id").cast(pl.Int64))
    changed = frame.filter("changed")["id"] if some else None
    pairs, counts = candidate_pairs(frame, RULE, changed=changed)
    wanted = {name: set() for name in RULE}
    for (i, a), (j, b) in combinations(enumerate(rows), 2):
        for name, keys in RULE.items():
            same = all(a[key] is not None and a[key] == b[key] for key in keys)
            loose = a["number"] is None or b["number"] is None
            if same and loose and (not some or a["changed"] or b["changed"]):
                wanted[name].add((i, j))
    assert [count.pairs for count in counts] == [len(made) for made in wanted.values()]
    assert pairs.rows() == sorted(set().union(*wanted.values()))


def crowd(size: int) -> pl.DataFrame:
    names = pl.int_range(size, eager=True)
    return pl.DataFrame(
        {"id": names, "number": pl.Series([None] * size, dtype=pl.String), "phone": (names % 3 != 0).cast(pl.String)}
    )


def test_a_block_too_large_is_left_out_and_the_figures_say_so() -> None:
    pairs, (count,) = candidate_pairs(crowd(2 * blocking.MAX_BLOCK), {"phone": ("phone",)})
    small = (2 * blocking.MAX_BLOCK + 2) // 3
    assert count.pairs > count.allowed == small * (small - 1) // 2 == pairs.height
    assert count.block == small


def test_a_rule_beyond_its_budget_loses_its_largest_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "LEAST_BUDGET", 100)
    monkeypatch.setattr(blocking, "PAIRS_PER_ROW", 1)
    pairs, (count,) = candidate_pairs(crowd(90), {"phone": ("phone",)})
    assert pairs.is_empty() and count.allowed == 0 < count.pairs


def test_every_rule_is_of_columns_that_there_are() -> None:
    assert {key for keys in RULES.values() for key in keys} <= set(COLUMNS)
