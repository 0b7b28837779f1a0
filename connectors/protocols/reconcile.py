"""Whether pages read one after another were the whole of a source that may have moved meanwhile."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.protocols.base import Page
from connectors.versions import row_hashes


class Round:
    """The tally of one reading of all pages: rows against the declared total, keys and contents by hash."""

    def __init__(self, key: list[str]) -> None:
        self._key = key
        self._keys: list[npt.NDArray[np.uint64]] = []
        """Of each page that has rows, by the hash of their keys."""
        self._contents = 0
        """The sum of the hashes of all rows, whatever their order."""
        self.newest = (0, 0)
        """Rows and sum of the page that was counted last."""
        self._bad = 0
        self._totals: list[int] = []

    def add(self, page: Page, total: int) -> None:
        """Count one page: its rows, its unreadable records and the total declared with it."""
        self._bad += len(page.bad)
        self._totals.append(total)
        self.newest = (0, 0)
        if not page.rows:
            return
        # One key has the same hash whether its row was parsed or is known by its bytes.
        raw = page.records
        self._keys.append(row_hashes(page.frame, self._key)[:, 0].copy() if raw is None else raw.found.keys)
        contents = page.frame.hash_rows().to_numpy() if raw is None else raw.hashes[:, 0]
        self.newest = (page.rows, int(contents.sum()))
        self._contents += self.newest[1]

    @property
    def rows(self) -> int:
        return self._bad + sum(map(len, self._keys))

    @property
    def consistent(self) -> bool:
        """True when no gap shows: as many rows as declared, never fewer declared than before, and no key on two pages.

        Fewer declared means that a row was deleted: if it had been read, another one took its place there unseen. A key
        on two pages means that its row moved, or that another row was served in the place of one never seen; only a
        second reading can tell that from a source that holds the key twice (``confirms``).
        """
        grows = all(before <= after for before, after in pairwise(self._totals))
        return grows and self.rows == self._totals[-1] and self._repeated().is_empty()

    def confirms(self, previous: Round | None) -> bool:
        """True when this round read just what the one before did: then repeated keys are the source's own.

        A page that holds nothing but rows of another one is never believed.
        """
        if previous is None or self._totals != previous._totals or self.rows != self._totals[-1]:
            return False
        return self._contents % (1 << 64) == previous._contents % (1 << 64) and not self._page_twice()

    def __str__(self) -> str:
        return f"{self.rows} rows read, {self._totals[-1]} declared, {self._repeated().height} of them on several pages"

    def _repeated(self) -> pl.DataFrame:
        """Rows whose key stands on more than one page."""
        keys = np.concatenate([np.empty(0, dtype=np.uint64), *self._keys])
        # Nearly always all keys are different: sorted numbers tell that in a third of the room of a table.
        keys.sort()
        if (keys[1:] != keys[:-1]).all():
            return pl.DataFrame(schema={"key": pl.UInt64, "page": pl.Int64})
        pages = [pl.DataFrame({"key": keys}).with_columns(page=pl.lit(at)) for at, keys in enumerate(self._keys)]
        return pl.concat(pages).filter(pl.col("page").n_unique().over("key") > 1)

    def _page_twice(self) -> bool:
        """Whether some page of two rows or more holds nothing but keys that stand on other pages too."""
        counts = self._repeated().group_by("page").len().iter_rows()
        return any(len(self._keys[page]) == count > 1 for page, count in counts)
