"""How often names, birthdays, telephones and doors occur in town: a rare value says more than 王伟."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from resolution.residents.abreast import abreast
from resolution.residents.coding import CODED, codes_of, counted, occurrences
from resolution.residents.hashes import hashed
from resolution.residents.keys import COUNTED, total_key

Counts = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
LEAST = 20_000
"""Values are counted as in a town of at least so many rows: in a table of ten every name would seem frequent."""


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
    """`held` has row, cluster and the columns counted, coded.

    `before` are the same rows in the clusters that were joined to those, and `joined` tells which rows are in such.
    """

    held: pl.DataFrame
    elsewhere: Elsewhere = NOWHERE
    before: Town | None = None
    joined: Truths = field(default_factory=lambda: np.zeros(0, bool))
    _counts: dict[str, Counts] = field(default_factory=dict, repr=False)

    def grouped(self, clusters: pl.DataFrame) -> Town:
        """The same values, where the rows of `clusters` (row, cluster) belong to these now; each of them is one cluster
        of before, or several, whole."""
        to = self.held.select("row").join(clusters, on="row", how="left", maintain_order="left")["cluster"]
        held = self.held.with_columns(cluster=pl.coalesce(to, "cluster"))
        other = held["cluster"].filter(held["cluster"] != self.held["cluster"]).unique()
        return Town(held, self.elsewhere, self, held["cluster"].is_in(other.implode()).to_numpy())

    def size(self) -> int:
        """Clusters."""
        return self._here + self.elsewhere.clusters

    @cached_property
    def _here(self) -> int:
        return self.held["cluster"].n_unique()

    def shares(self, column: str, wanted: pl.Series | None = None) -> pl.DataFrame:
        """Each value of a column (of those `wanted`) and tf_column, its share; each cluster counts a value once.

        A value that is wanted is somebody's, though none of the town's clusters has it.
        """
        return self.shares_of({column: wanted})[column]

    def shares_of(self, wanted: Mapping[str, pl.Series | None]) -> dict[str, pl.DataFrame]:
        """column → `shares` of it; what is elsewhere is asked for once."""
        here = dict(zip(wanted, abreast(self._counted, wanted), strict=True))
        found = {column: counted(self.held[column], counts, wanted[column]) for column, counts in here.items()}
        totals = {column: int(counts.sum()) for column, counts in here.items()}
        if self.elsewhere is not NOWHERE:
            found, others = self._with_others(found)
            totals = {column: total + others[column] for column, total in totals.items()}
        return {
            column: counts.select(column, (pl.col("count").clip(1) / max(totals[column], LEAST)).alias(f"tf_{column}"))
            for column, counts in found.items()
        }

    def _counted(self, column: str) -> Counts:
        """By code of the column: how many clusters have it. Counted once; of clusters that stayed as they were by what
        was counted before."""
        known = self._counts.get(column)
        if known is None:
            groups, codes = self.held["cluster"].to_numpy(), codes_of(self.held[column])
            if self.before is None:
                known = occurrences(groups, codes)
            else:
                was, codes = self.before.held["cluster"].to_numpy()[self.joined], codes[self.joined]
                known = self.before._counted(column).copy()
                for sign, some in ((-1, was), (1, groups[self.joined])):
                    change = occurrences(some, codes)
                    known[: len(change)] += sign * change
            self._counts[column] = known
        return known

    def _with_others(self, found: Mapping[str, pl.DataFrame]) -> tuple[dict[str, pl.DataFrame], dict[str, int]]:
        """`found` (column, count) with those elsewhere, and how many values of each column there are elsewhere."""
        keyed = {column: counts.with_columns(hashed(counts, column, (column,)).alias("key"))
                 for column, counts in found.items()}  # fmt: skip
        totals = {column: total_key(column) for column in found}
        asked = [counts["key"] for counts in keyed.values()] + [pl.Series("key", totals.values(), dtype=pl.Int64)]
        known = self.elsewhere.counts(pl.concat(asked))
        added = {column: counts.join(known, on="key", how="left", maintain_order="left").with_columns(
                     pl.col("count") + pl.col("entities").fill_null(0))
                 for column, counts in keyed.items()}  # fmt: skip
        others = dict(known.filter(pl.col("key").is_in(list(totals.values()))).iter_rows())
        return added, {column: int(others.get(key, 0)) for column, key in totals.items()}


def town_of(
    people: pl.DataFrame, clusters: pl.Series, columns: Sequence[str] = COUNTED, *, elsewhere: Elsewhere = NOWHERE
) -> Town:
    """The town of `people` (row and `columns`), whose rows belong to `clusters`, in the same order."""
    return Town(people.select("row", pl.col(columns).cast(CODED)).with_columns(cluster=clusters), elsewhere)
