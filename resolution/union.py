"""Groups of records joined by edges, and the steward decisions that stand above every rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Labels = npt.NDArray[np.int64]
NONE = -1
"""A node without an anchor."""
YEARS_APART = 1
"""Birth years of one person may differ by so much: a birthday of the old calendar falls into the year before."""


def components(count: int, a: npt.ArrayLike, b: npt.ArrayLike) -> Labels:
    """Labels of the connected components over `count` nodes; a label is the smallest node of its component."""
    left, right = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    first = np.full(labels.max(initial=-1) + 1, count, dtype=np.int64)
    np.minimum.at(first, labels, np.arange(count))
    named: Labels = first[labels]
    return named


def constrained(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    anchor: npt.ArrayLike,
    year: npt.ArrayLike | None = None,
    size: npt.ArrayLike | None = None,
    largest: int | None = None,
) -> Labels:
    """Labels after joining nodes along edges in the order given (strongest first), where nothing forbids it.

    A label is the smallest node of its cluster.
    `anchor` has an identifier for each node (`NONE` where there is none). Two clusters are not joined when they hold
    different anchors, when their years (of birth; 0 where unknown) lie more than `YEARS_APART` apart, or when more than
    `largest` would come together: the guard against clusters that grow from link to link. `size` is how many a node
    counts for, 1 each without it.
    """
    held = np.asarray(anchor, dtype=np.int64)
    count = len(held)
    sizes = np.ones(count, dtype=np.int64) if size is None else np.asarray(size, dtype=np.int64)
    largest = int(sizes.sum()) if largest is None else largest
    years = np.zeros(count, dtype=np.int64) if year is None else np.asarray(year, dtype=np.int64)
    left, right = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    labels = components(count, left, right)
    # Most groups hold nothing that forbids a union, and are joined whatever the order.
    torn = _torn(labels, held, years, sizes, largest)[labels]
    labels[torn] = np.flatnonzero(torn)
    some = torn[left]
    return _in_order(labels, left[some], right[some], held, years, sizes, largest)


def _torn(labels: Labels, anchor: Labels, year: Labels, sizes: Labels, largest: int) -> npt.NDArray[np.bool_]:
    """By label, whether its group is too large, or has different anchors or years too far apart."""

    def spread(values: Labels, known: npt.NDArray[np.bool_]) -> Labels:
        low, high = np.full(len(labels), np.iinfo(np.int64).max), np.full(len(labels), np.iinfo(np.int64).min)
        np.minimum.at(low, labels[known], values[known])
        np.maximum.at(high, labels[known], values[known])
        return np.where(high >= low, high - low, 0)

    size = np.bincount(labels, weights=sizes, minlength=len(labels))
    apart = spread(year, year > 0) > YEARS_APART
    return np.asarray((spread(anchor, anchor != NONE) > 0) | apart | (size > largest))


def _in_order(
    labels: Labels, a: Labels, b: Labels, anchor: Labels, year: Labels, sizes: Labels, largest: int
) -> Labels:
    """Labels after joining along these edges in turn; nodes that they do not touch keep theirs."""
    parent, held = labels.tolist(), anchor.tolist()
    size = sizes.tolist()
    low, high = np.where(year > 0, year, 9999).tolist(), year.tolist()
    pairs = zip(a.tolist(), b.tolist(), strict=True)
    for left, right in pairs:
        while parent[left] != left:
            parent[left] = parent[parent[left]]
            left = parent[left]
        while parent[right] != right:
            parent[right] = parent[parent[right]]
            right = parent[right]
        if left == right:
            continue
        first, last = min(low[left], low[right]), max(high[left], high[right])
        if (
            (held[left] != held[right] and held[left] != NONE and held[right] != NONE)
            or (first < last and last - first > YEARS_APART)
            or size[left] + size[right] > largest
        ):
            continue
        root, other = (left, right) if left < right else (right, left)
        parent[other] = root
        size[root] += size[other]
        held[root] = held[other] if held[root] == NONE else held[root]
        low[root], high[root] = first, last
    labels = np.array(parent, dtype=np.int64)
    while True:
        # A label is the smallest node, so each step towards the root goes down.
        nearer = labels[labels]
        if np.array_equal(nearer, labels):
            return labels
        labels = nearer


def apply_decisions(clusters: pl.DataFrame, decisions: pl.DataFrame, numbered: pl.Series | None = None) -> pl.DataFrame:
    """Clusters after the stewards' decisions.

    `clusters` has row, cluster, link_kind, reason; `decisions` has a, b (rows) and verdict; `numbered` are the rows
    with an identity number of their own. A must-link joins two clusters whatever the rules said; where both have a
    number, and one of the two records has none, that record alone goes to the other's cluster, with what stewards
    linked to it: whom the rules took it for stays. A cannot-link, which outranks must-links that chain around it, takes
    `b` out of the cluster that it shares with `a`, together with what stewards linked to `b`, and whose number that is.
    What stays, or comes along, is linked as it was; of `b` it is not said whose it is, unless a must-link says so.
    """
    if decisions.is_empty():
        return clusters
    clusters = clusters.sort("row")
    found, kind, reason = clusters["cluster"].to_numpy(), clusters["link_kind"].to_list(), clusters["reason"].to_list()
    cluster = found.copy()
    own = np.zeros(len(cluster), dtype=np.bool_)
    own[[] if numbered is None else numbered.to_numpy()] = True
    borne = np.zeros(len(cluster), dtype=np.bool_)
    borne[found[own]] = True
    numbers = np.where(borne[found], found, NONE)
    must, cannot = (
        list(decisions.filter(pl.col("verdict") == verdict).select("a", "b").iter_rows())
        for verdict in ("must_link", "cannot_link")
    )
    said = {row for pair in must for row in pair}
    linked = components(len(cluster), [a for a, _ in must], [b for _, b in must])
    for a, b in must:
        joining, to = _joining(cluster, linked, own, a, b)
        cluster[joining] = cluster[to]
        for row in (a, b):
            kind[row], reason[row] = "steward", "must_link"
    for number, (a, b) in enumerate(cannot):
        if cluster[a] != cluster[b]:
            continue
        # Row numbers are labels of clusters, so b's own number may be taken by those it leaves behind.
        leaving = _leaving(cluster, linked, numbers, a, b, held=[a, *said])
        cluster[leaving] = len(cluster) + number
        if b not in said or linked[a] == linked[b]:
            kind[b], reason[b] = "steward", "cannot_link"
    return pl.DataFrame(
        {"row": np.arange(len(cluster)), "cluster": cluster, "link_kind": kind, "reason": reason},
        schema=clusters.schema,
    )


def _joining(cluster: Labels, linked: Labels, own: npt.NDArray[np.bool_], a: int, b: int) -> tuple[Labels, int]:
    """The rows that a must-link takes to the cluster of `a`, or of `b`."""
    mine, theirs = (np.flatnonzero(cluster == cluster[row]) for row in (b, a))
    if own[mine].any() and own[theirs].any():
        for rows, to in ((mine, a), (theirs, b)):
            said = rows[linked[rows] == linked[a]]
            if not own[said].any():
                return said, to
    return mine, a


def _leaving(cluster: Labels, linked: Labels, numbers: Labels, a: int, b: int, held: list[int]) -> Labels:
    """The rows that a cannot-link takes out of the cluster of `a` and `b`.

    Those of one of the `numbers` come along, save where one that stays is `held` by a steward: nobody is left with
    another's number because a steward's link that brought it there is no more.
    """
    rows = np.flatnonzero(cluster == cluster[b])
    leave = rows == b if linked[a] == linked[b] else linked[rows] == linked[b]
    theirs = numbers[rows]
    stay = [NONE, *theirs[~leave & np.isin(rows, held)]]
    came = np.isin(theirs, theirs[leave]) & ~np.isin(theirs, stay)
    return np.asarray(rows[leave | came])
