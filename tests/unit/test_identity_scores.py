"""The measure of identity resolution agrees with counting pair by pair."""

from __future__ import annotations

from itertools import combinations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from bench._identity_scores import score


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25))
def test_pairs_and_clusters_are_those_that_one_counts_by_hand(records: list[tuple[int, int]]) -> None:
    found = score(pl.DataFrame(records, schema=["true", "found"], orient="row"))
    pairs = list(combinations(records, 2))
    assert found.true_pairs == sum(a[0] == b[0] for a, b in pairs)
    assert found.found_pairs == sum(a[1] == b[1] for a, b in pairs)
    assert found.right_pairs == sum(a == b for a, b in pairs)
    rows = range(len(records))
    ours, theirs = (
        {frozenset(r for r in rows if records[r][side] == records[at][side]) for at in rows} for side in (1, 0)
    )
    assert (found.found_clusters, found.true_clusters) == (len(ours), len(theirs))
    assert found.right_clusters == len(ours & theirs)
