"""Groups of records joined by edges, and the steward decisions that stand above every rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Labels = npt.NDArray[np.int64]


def components(count: int, a: npt.ArrayLike, b: npt.ArrayLike) -> Labels:
    """Labels of the connected components over `count` nodes; a label is the smallest node of its component."""
    left, right = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    first = np.full(labels.max(initial=-1) + 1, count, dtype=np.int64)
    np.minimum.at(first, labels, np.arange(count))
    named: Labels = first[labels]
    return named


def apply_decisions(clusters: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Clusters after the stewards' decisions.

    `clusters` has row, cluster, link_kind, reason; `decisions` has a, b (rows) and verdict. A must-link joins two
    clusters whatever the rules said; a cannot-link takes `b` out of the cluster that it shares with `a`.
    """
    if decisions.is_empty():
        return clusters
    cluster = clusters.sort("row")["cluster"].to_numpy().copy()
    kind = clusters.sort("row")["link_kind"].to_list()
    reason = clusters.sort("row")["reason"].to_list()
    for a, b, verdict in decisions.select("a", "b", "verdict").iter_rows():
        if verdict == "must_link":
            cluster[cluster == cluster[b]] = cluster[a]
        elif cluster[a] == cluster[b]:
            # Row numbers are labels of clusters, so b's own number may be taken by those it leaves behind.
            cluster[b] = len(cluster) + b
        else:
            continue
        for row in (a, b):
            kind[row], reason[row] = "steward", verdict
    return pl.DataFrame(
        {"row": np.arange(len(cluster)), "cluster": cluster, "link_kind": kind, "reason": reason},
        schema=clusters.schema,
    )
