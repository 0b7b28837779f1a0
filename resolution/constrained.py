"""Groups of nodes joined by edges, the surest first, where no group may hold two different anchors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
NONE = -1
"""A node without an anchor."""


def union(anchors: npt.ArrayLike, edges: Iterable[tuple[int, int]]) -> Labels:
    """Label of each node's group: its smallest node.

    `anchors` has an identifier per node (`NONE` where there is none): nodes of different anchors never share a group.
    `edges` come in descending certainty; one that would join two anchors is left out, so what is surer decides.
    """
    held = np.asarray(anchors, dtype=np.int64).tolist()
    parent = list(range(len(held)))
    for a, b in edges:
        first, second = _root(parent, a), _root(parent, b)
        if first == second or (held[first] != NONE and held[second] != NONE and held[first] != held[second]):
            continue
        low, high = min(first, second), max(first, second)
        parent[high] = low
        held[low] = held[low] if held[low] != NONE else held[high]
    return np.fromiter((_root(parent, node) for node in range(len(parent))), dtype=np.int64, count=len(parent))


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
