"""One bit for each of many: which of ten million versions came in this pull takes 1.3 MB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.signedinteger]


class Bits:
    """All unset at first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._octets = np.zeros(-(-size // 8), dtype=np.uint8)

    def __len__(self) -> int:
        return self._size

    def set(self, places: Places) -> None:
        np.bitwise_or.at(self._octets, places >> 3, _masks(places))

    def at(self, places: Places) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = (self._octets[places >> 3] & _masks(places)) != 0
        return found

    def count(self) -> int:
        return int(np.bitwise_count(self._octets).sum())

    def unset(self, first: int, end: int) -> npt.NDArray[np.intp]:
        """Which of the places from `first` to before `end` are unset, counted from `first`."""
        octets = np.unpackbits(self._octets[first // 8 : -(-end // 8)], bitorder="little")
        return np.flatnonzero(octets[first % 8 : first % 8 + end - first] == 0)


def _masks(places: Places) -> npt.NDArray[np.uint8]:
    masks: npt.NDArray[np.uint8] = np.left_shift(1, places & 7).astype(np.uint8)
    return masks
