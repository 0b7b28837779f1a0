"""How often names, birthdays, telephones and doors occur in town: a rare value says more than 王伟."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow.compute as pc

from resolution.residents.hashes import hashed
from resolution.residents.keys import COUNTED, total_key

LEAST = 20_000
"""Values are counted as in a town of at least so many rows: in a table of ten every name would seem frequent."""
_CODES = 2**32
"""More than there are codes of values, so that a cluster and a code are one number."""


def _nothing(keys: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(schema={"key": pl.Int64, "entities": pl.Int64})


@dataclass(frozen=True)
class Elsewhere:
    """The rest of a town of which a part is at hand: how many clusters it has, and how often values occur in it.

    `counts` gives key, entities of those keys (of `residents.keys`) that occur. `crowded` are keys of blocks that are
    too large in town, however few of their records are at hand.
    """

    clusters: int = 0
    counts: Callable[[pl.Series], pl.DataFrame] = _nothing
    crowded: pl.Series = field(default_factory=lambda: pl.Series("key", [], dtype=pl.Int64))


NOWHERE = Elsewhere()
"""What is at hand is the whole town."""


@dataclass(frozen=True)
class Town:
    """`held` has row, cluster and, for each column counted, the place of the row's value in `values`."""

    held: pl.DataFrame
    values: dict[str, pl.Series]
    elsewhere: Elsewhere = NOWHERE

    def grouped(self, clusters: pl.DataFrame) -> Town:
        """The same values, where the rows of `clusters` (row, cluster) belong to these now."""
        to = self.held.select("row").join(clusters, on="row", how="left", maintain_order="left")["cluster"]
        return Town(self.held.with_columns(cluster=pl.coalesce(to, "cluster")), self.values, self.elsewhere)

    def size(self) -> int:
        """Clusters."""
        return self.held["cluster"].n_unique() + self.elsewhere.clusters

    def shares(self, column: str, wanted: pl.Series | None = None) -> pl.DataFrame:
        """Each value of a column (of those `wanted`) and tf_column, its share; each cluster counts a value once."""
        told = self.held.select("cluster", code=column).drop_nulls()
        once = told.select(pl.col("cluster").cast(pl.UInt64) * _CODES + pl.col("code")).to_series().unique()
        values = self.values[column]
        counts = np.bincount((once % _CODES).cast(pl.Int64).to_numpy(), minlength=len(values))
        found = pl.DataFrame({column: values, "count": counts}, schema_overrides={"count": pl.Int64})
        if wanted is not None:
            found = found.filter(pl.col(column).is_in(wanted.implode()))
        found, others = self._with_others(column, found)
        return found.select(column, (pl.col("count") / max(len(once) + others, LEAST)).alias(f"tf_{column}"))

    def _with_others(self, column: str, found: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """`found` (column, count) with those elsewhere, and how many values of the column there are elsewhere."""
        if self.elsewhere is NOWHERE:
            return found, 0
        keyed = found.with_columns(hashed(found, column, (column,)).alias("key"))
        counts = self.elsewhere.counts(pl.concat([keyed["key"], pl.Series([total_key(column)])]))
        both = keyed.join(counts, on="key", how="left", maintain_order="left")
        others = counts.filter(pl.col("key") == total_key(column))["entities"].sum()
        return both.with_columns(pl.col("count") + pl.col("entities").fill_null(0)), int(others)


def town_of(
    people: pl.DataFrame, clusters: pl.Series, columns: Sequence[str] = COUNTED, *, elsewhere: Elsewhere = NOWHERE
) -> Town:
    """The town of `people` (row and `columns`), whose rows belong to `clusters`, in the same order."""
    encoded = {name: pc.dictionary_encode(people[name].to_arrow()) for name in columns}
    codes = {name: pl.Series(array.indices, dtype=pl.UInt32) for name, array in encoded.items()}
    values = {name: pl.Series(array.dictionary, dtype=pl.String) for name, array in encoded.items()}
    return Town(people.select("row").with_columns(cluster=clusters, **codes), values, elsewhere)
