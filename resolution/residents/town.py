"""How often names, birthdays, telephones and doors occur in town: a rare value says more than 王伟."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow.compute as pc

COUNTED = ("name", "pinyin", "surname", "birth", "phone", "door", "building", "community")
"""Columns whose values are weighed by how often they occur."""
LEAST = 20_000
"""Values are counted as in a town of at least so many rows: in a table of ten every name would seem frequent."""
_CODES = 2**32
"""More than there are codes of values, so that a cluster and a code are one number."""


@dataclass(frozen=True)
class Town:
    """`held` has row, cluster and, for each column counted, the place of the row's value in `values`."""

    held: pl.DataFrame
    values: dict[str, pl.Series]

    def grouped(self, clusters: pl.DataFrame) -> Town:
        """The same values, where the rows of `clusters` (row, cluster) belong to these now."""
        to = self.held.select("row").join(clusters, on="row", how="left", maintain_order="left")["cluster"]
        return Town(self.held.with_columns(cluster=pl.coalesce(to, "cluster")), self.values)

    def size(self) -> int:
        """Clusters."""
        return self.held["cluster"].n_unique()

    def shares(self, column: str) -> pl.DataFrame:
        """Each value of a column and tf_column, its share; each cluster counts a value once."""
        told = self.held.select("cluster", code=column).drop_nulls()
        once = told.select(pl.col("cluster").cast(pl.UInt64) * _CODES + pl.col("code")).to_series().unique()
        values = self.values[column]
        counts = np.bincount((once % _CODES).cast(pl.Int64).to_numpy(), minlength=len(values))
        return pl.DataFrame({column: values, f"tf_{column}": counts / max(len(once), LEAST)})


def town_of(people: pl.DataFrame, clusters: pl.Series, columns: Sequence[str] = COUNTED) -> Town:
    """The town of `people` (row and `columns`), whose rows belong to `clusters`, in the same order."""
    encoded = {name: pc.dictionary_encode(people[name].to_arrow()) for name in columns}
    codes = {name: pl.Series(array.indices, dtype=pl.UInt32) for name, array in encoded.items()}
    values = {name: pl.Series(array.dictionary, dtype=pl.String) for name, array in encoded.items()}
    return Town(people.select("row").with_columns(cluster=clusters, **codes), values)
