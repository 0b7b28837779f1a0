"""Whether pages read one after another were the whole of a source that may have moved meanwhile."""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.protocols.base import Page
from connectors.versions import row_hashes


class Round:
    """The tally of one reading of all pages: rows against the declared total, keys and contents by hash."""

    def __init__(self, key: list[str]) -> None:
        self._key = key
        self._seen: list[pl.DataFrame] = []
        self._bad = 0
        self._totals: list[int] = []

    def add(self, page: Page, total: int) -> None:
        """Count one page: its rows, its unreadable records and the total declared with it."""
        self._bad += len(page.bad)
        self._totals.append(total)
        if not page.rows:
            return
        # One key has the same hash whether its row was parsed or is known by its bytes.
        keys = row_hashes(page.frame, self._key)[:, 0] if page.records is None else page.records.found.keys
        rows = page.frame.hash_rows() if page.records is None else page.records.hashes[:, 0]
        number = pl.repeat(len(self._totals), page.rows, dtype=pl.UInt32, eager=True)
        self._seen.append(pl.DataFrame({"key": keys, "row": rows, "page": number}))

    @property
    def rows(self) -> int:
        return self._bad + sum(page.height for page in self._seen)

    @property
    def consistent(self) -> bool:
        """True when every row must have been read: as many as declared, and no key on two pages.

        A key on two pages means that its row moved, or that another row was served in the place of one never seen;
        only a second reading can tell that from a source that holds the key twice (``confirms``).
        """
        return self.rows == self._totals[-1] and self._repeated().is_empty()

    def confirms(self, previous: Round | None) -> bool:
        """True when this round read just what the one before did: then repeated keys are the source's own.

        A page that holds nothing but rows of another one is never believed.
        """
        if previous is None or self._totals != previous._totals or self.rows != self._totals[-1]:
            return False
        return self._contents().equals(previous._contents()) and not self._page_twice()

    def __str__(self) -> str:
        return f"{self.rows} rows read, {self._totals[-1]} declared, {self._repeated().height} of them on several pages"

    def _contents(self) -> pl.Series:
        return pl.concat(self._seen)["row"].sort() if self._seen else pl.Series(dtype=pl.UInt64)

    def _repeated(self) -> pl.DataFrame:
        """Rows whose key stands on more than one page."""
        if len(self._seen) < 2:
            return pl.DataFrame(schema={"key": pl.UInt64, "row": pl.UInt64, "page": pl.UInt32})
        # Nearly always all keys are different: sorted numbers tell that in a third of the room of a table.
        keys = np.concatenate([page["key"].to_numpy() for page in self._seen])
        keys.sort()
        if (keys[1:] != keys[:-1]).all():
            return self._seen[0].clear()
        seen = pl.concat(self._seen)
        return seen.filter(pl.col("page").n_unique().over("key") > 1)

    def _page_twice(self) -> bool:
        """Whether some page of two rows or more holds nothing but keys that stand on other pages too."""
        sizes = {int(page["page"][0]): page.height for page in self._seen}
        return any(sizes[page] == count > 1 for page, count in self._repeated().group_by("page").len().iter_rows())
