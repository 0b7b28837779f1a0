"""A memory of records that formats and protocols can ask, without a warehouse behind it."""

from __future__ import annotations

import numpy as np

from connectors.raw_records import Found
from connectors.version_runs import Hashes


class Memory:
    """Knows what it was told to remember, by position; remembers what it was asked about."""

    def __init__(self) -> None:
        self.places: dict[bytes, int] = {}
        self.asked: list[bytes] = []

    def __call__(self, hashes: Hashes) -> Found:
        self.asked = [row.tobytes() for row in hashes]
        at = np.array([self.places.get(row, -1) for row in self.asked], dtype=np.int32)
        return Found(at, at >= 0, np.where(at >= 0, at, 0).astype(np.uint64))

    def keep(self, *which: int) -> None:
        self.places = {self.asked[number]: number for number in which}
