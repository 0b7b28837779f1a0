"""The constrained union: strongest edges first, and never what is forbidden; held against connected components."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolution.union import NONE, YEARS_APART, components, constrained

NODES = 12
EDGES = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=30)


def union(edges: list[tuple[int, int]], anchors: set[int] = frozenset(), years: dict[int, int] | None = None,  # type: ignore[assignment]
          largest: int = NODES) -> list[int]:  # fmt: skip
    anchor = [node if node in anchors else NONE for node in range(NODES)]
    year = [(years or {}).get(node, 0) for node in range(NODES)]
    a, b = [edge[0] for edge in edges], [edge[1] for edge in edges]
    return [int(label) for label in constrained(a, b, anchor=anchor, year=year, largest=largest)]


@settings(max_examples=100, deadline=None)
@given(EDGES)
def test_without_constraints_it_gives_the_connected_components(edges: list[tuple[int, int]]) -> None:
    a, b = [edge[0] for edge in edges], [edge[1] for edge in edges]
    assert union(edges) == components(NODES, a, b).tolist()


@settings(max_examples=100, deadline=None)
@given(EDGES, st.sets(st.integers(0, NODES - 1)), st.dictionaries(st.integers(0, NODES - 1), st.integers(1950, 1956)),
       st.integers(1, 5))  # fmt: skip
def test_no_cluster_breaks_a_constraint(
    edges: list[tuple[int, int]], anchors: set[int], years: dict[int, int], largest: int
) -> None:
    labels = np.array(union(edges, anchors, years, largest))
    for label in set(labels.tolist()):
        members = set(np.flatnonzero(labels == label).tolist())
        assert label == min(members) and len(members) <= largest and len(members & anchors) <= 1
        born = [years[node] for node in members if node in years]
        assert not born or max(born) - min(born) <= YEARS_APART


@pytest.mark.parametrize(("edges", "with_first"), [([(0, 2), (1, 2)], True), ([(1, 2), (0, 2)], False)])
def test_the_stronger_edge_is_followed_where_both_cannot_be(edges: list[tuple[int, int]], with_first: bool) -> None:
    labels = union(edges, anchors={0, 1})
    assert (labels[2] == labels[0]) is with_first and (labels[2] == labels[1]) is not with_first


@settings(max_examples=100, deadline=None)
@given(EDGES, st.lists(st.sampled_from([NONE, NONE, 1, 2, 3]), min_size=NODES, max_size=NODES))
def test_no_cluster_holds_two_anchors_and_none_is_torn_without_need(
    edges: list[tuple[int, int]], anchors: list[int]
) -> None:
    labels = constrained([edge[0] for edge in edges], [edge[1] for edge in edges], anchor=anchors).tolist()
    held: dict[int, set[int]] = {}
    for label, anchor in zip(labels, anchors, strict=True):
        held.setdefault(label, set()).update({anchor} - {NONE})
    assert all(len(found) <= 1 for found in held.values())
    for a, b in edges:
        first, second = held[labels[a]], held[labels[b]]
        assert labels[a] == labels[b] or (first and second and first != second), "only two anchors keep an edge apart"


@settings(max_examples=100, deadline=None)
@given(EDGES, st.lists(st.integers(1, 4), min_size=NODES, max_size=NODES), st.integers(4, 9))
def test_a_node_counts_for_as_many_as_it_stands_for(
    edges: list[tuple[int, int]], sizes: list[int], largest: int
) -> None:
    a, b = [edge[0] for edge in edges], [edge[1] for edge in edges]
    labels = constrained(a, b, anchor=[NONE] * NODES, size=sizes, largest=largest)
    assert np.bincount(labels, weights=sizes).max() <= largest
    assert constrained(a, b, anchor=[NONE] * NODES, size=sizes).tolist() == components(NODES, a, b).tolist()


def test_one_anchor_may_be_borne_by_several_nodes() -> None:
    assert constrained([0, 1, 2], [1, 2, 3], anchor=[7, NONE, 7, 8]).tolist() == [0, 0, 0, 3]
