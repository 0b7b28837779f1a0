"""What a run's ledger comes to: counts, and a hash of which records belong together, whatever their keys are called.

The hash is a sum over records, so that a run by changes takes off what it found and adds what it leaves, and ends with
the same hash as a full run that ends in the same clusters (promise I2).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import polars_hash as plh

SEEDS = (0x57484F49, 0x53574849, 0x4348414E, 0x44574859)
"""Of the four words of 64 bits that a line's hash has. XXH3 is specified to the bit (docs/decisions/0002)."""
_MODULUS = 1 << 64 * len(SEEDS)


@dataclass(frozen=True)
class Totals:
    """Records, entities, links by kind and the content hash of memberships; of parts of them they add up.

    A part is of whole entities.
    """

    records: int = 0
    entities: int = 0
    links: Counter[str] = field(default_factory=Counter)
    content: int = 0

    @classmethod
    def of(cls, memberships: pl.DataFrame) -> Totals:
        """`memberships`: system, stream, record_key, entity_key, link_kind, one row per record."""
        links = Counter({str(kind): int(rows) for kind, rows in memberships.group_by("link_kind").len().iter_rows()})
        return cls(memberships.height, memberships["entity_key"].n_unique(), links, _content(memberships))

    @property
    def content_hash(self) -> str:
        """64 hexadecimal digits."""
        return f"{self.content:0{16 * len(SEEDS)}x}"

    def __add__(self, other: Totals) -> Totals:
        content = (self.content + other.content) % _MODULUS
        links = Counter(self.links)
        links.update(other.links)
        return Totals(self.records + other.records, self.entities + other.entities, links, content)

    def __sub__(self, other: Totals) -> Totals:
        links = Counter(self.links)
        links.subtract(other.links)
        content = (self.content - other.content) % _MODULUS
        return Totals(self.records - other.records, self.entities - other.entities, +links, content)


def _content(memberships: pl.DataFrame) -> int:
    """The sum, modulo 2²⁵⁶, of a hash of each record, its link and the first record of its entity."""
    named = memberships.select(
        "entity_key", "link_kind", record=pl.concat_str(["system", "stream", "record_key"], separator="|")
    ).with_columns(group=pl.col("record").min().over("entity_key"))
    lines = named.select(line=pl.concat_str(["group", "record", "link_kind"], separator="\t"))
    words = (lines.select(word=plh.col("line").nchash.xxh3_64(seed=seed))["word"].to_numpy() for seed in SEEDS)
    return sum(_sum(word) << 64 * at for at, word in enumerate(words)) % _MODULUS


def _sum(words: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> int:
    """Exact, though a word has all of its 64 bits: halves are added apart."""
    return (int((words >> np.uint64(32)).sum()) << 32) + int((words & np.uint64(0xFFFFFFFF)).sum())
