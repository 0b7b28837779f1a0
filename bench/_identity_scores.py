"""How well records were put together: pairs and clusters held against the truth, without ever making the pairs."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Score:
    """Pairs of records that are one by the truth, by us, by both; and whole clusters likewise."""

    true_pairs: int
    found_pairs: int
    right_pairs: int
    true_clusters: int
    found_clusters: int
    right_clusters: int

    @property
    def precision(self) -> float:
        return self.right_pairs / self.found_pairs if self.found_pairs else 1.0

    @property
    def recall(self) -> float:
        return self.right_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def f1(self) -> float:
        return _harmonic(self.precision, self.recall)

    @property
    def cluster_f1(self) -> float:
        """Of clusters that are whole and pure; records of their own count too."""
        return _harmonic(self.right_clusters / self.found_clusters, self.right_clusters / self.true_clusters)


def score(records: pl.DataFrame) -> Score:
    """`records`: a row per record with `true` (who it is) and `found` (the cluster that it was put in)."""
    both = records.group_by("true", "found").len()
    truth, found = records.group_by("true").len(), records.group_by("found").len()
    whole = (
        both.join(truth.rename({"len": "of_true"}), on="true")
        .join(found.rename({"len": "of_found"}), on="found")
        .filter((pl.col("len") == pl.col("of_true")) & (pl.col("len") == pl.col("of_found")))
    )
    return Score(_pairs(truth), _pairs(found), _pairs(both), truth.height, found.height, whole.height)


def _pairs(sizes: pl.DataFrame) -> int:
    size = pl.col("len").cast(pl.Int64)
    return int(sizes.select((size * (size - 1) // 2).sum()).item())


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
