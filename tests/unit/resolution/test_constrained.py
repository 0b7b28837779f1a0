"""Unions that never bring two anchors together, held against connected components."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from resolution.constrained import NONE, union
from resolution.union import components

SIZE = 12
NODES = st.integers(0, SIZE - 1)
EDGES = st.lists(st.tuples(NODES, NODES), max_size=30)
ANCHORS = st.lists(st.sampled_from([NONE, NONE, 1, 2, 3]), min_size=SIZE, max_size=SIZE)


@given(EDGES)
def test_without_anchors_groups_are_connected_components(edges: list[tuple[int, int]]) -> None:
    expected = components(SIZE, [a for a, _ in edges], [b for _, b in edges])
    assert union([NONE] * SIZE, edges).tolist() == expected.tolist()


@given(ANCHORS, EDGES)
def test_no_group_holds_two_anchors_and_none_is_torn_without_need(
    anchors: list[int], edges: list[tuple[int, int]]
) -> None:
    labels = union(anchors, edges).tolist()
    held: dict[int, set[int]] = {}
    for label, anchor in zip(labels, anchors, strict=True):
        held.setdefault(label, set()).update({anchor} - {NONE})
    assert all(len(found) <= 1 for found in held.values())
    for a, b in edges:
        first, second = held[labels[a]], held[labels[b]]
        assert labels[a] == labels[b] or (first and second and first != second), "only two anchors keep an edge apart"


def test_the_surest_edge_decides() -> None:
    assert union([1, NONE, 2], [(0, 1), (1, 2)]).tolist() == [0, 0, 2]
    assert union([1, NONE, 2], [(1, 2), (0, 1)]).tolist() == [0, 1, 1]
