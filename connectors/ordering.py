"""Which of several versions of a record is the current one: by time of change, by arrival, or the first only.

Each way gives the same outcome however the rows are cut into pages, as if they came one by one. Rows that a
`Ruling` neither lands nor refuses are known already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.version_runs import Hashes, Numbers

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Micros = npt.NDArray[np.int64]
"""Microseconds since 1970 UTC."""

_NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Arrived:
    """A page's keys and contents beside the version of each key that was current before the page."""

    keys: Hashes
    hashes: Hashes
    numbers: Numbers
    there: Mask
    current: Hashes
    current_numbers: npt.NDArray[np.int64]

    @property
    def same(self) -> Mask:
        """Rows that are what is current already."""
        same: Mask = self.there & (self.current == self.hashes).all(axis=1)
        return same


@dataclass(frozen=True)
class Ruling:
    """Rows to be landed, those of them that are current now, and rows refused as conflicts."""

    landed: Mask
    current: Mask
    conflict: Mask


def by_time(page: Arrived, in_history: Callable[[Mask], Mask], since: Callable[[Mask], Micros], now: int) -> Ruling:
    """The newest version is current, of equally new ones the last that was not known; older ones are history.

    `in_history` tells which of the given rows were landed before: a whole month sent again brings old versions. A clock
    that is fast over there stamps versions ahead of `now`, and what came after them would be late until then: `since`
    tells for the given rows from which time of change on they are newer than the current version, whatever it says.
    """
    same = page.same
    late = page.there & (page.numbers < page.current_numbers)
    order = _grouped(page.keys)
    maybe_old = ~same & (page.there if order is None else page.there | ~_first_of_key(page.keys, order))
    newest = page.current_numbers if order is None else _newest_before(page, order)
    maybe_old &= (page.numbers <= newest) | (page.numbers > now)
    known = same | in_history(maybe_old) if maybe_old.any() else same
    if (doubtful := late & ~known).any():
        late[doubtful] = page.numbers[doubtful] < since(doubtful)
    if order is None:
        return Ruling(~known, ~known & ~late, np.zeros_like(known))
    known = known | _repeated(page.keys, page.hashes)
    current = np.zeros_like(known)
    candidates = order[(~known & ~late)[order]]
    candidates = candidates[np.lexsort((candidates, page.numbers[candidates], *_halves(page.keys[candidates])))]
    current[candidates[_ends(page.keys[candidates])]] = True
    return Ruling(~known, current, np.zeros_like(known))


def by_arrival(page: Arrived) -> Ruling:
    """Nothing says which version is newer but their order: what came last is current."""
    known = page.same
    if (order := _grouped(page.keys)) is None:
        return Ruling(~known, ~known, np.zeros_like(known))
    follows = np.zeros_like(known)
    follows[order[1:]] = (page.keys[order[1:]] == page.keys[order[:-1]]).all(axis=1)
    repeats = np.zeros_like(known)
    repeats[order[1:]] = (page.hashes[order[1:]] == page.hashes[order[:-1]]).all(axis=1)
    known = np.where(follows, repeats, known)
    current = np.zeros_like(known)
    landed = order[~known[order]]
    current[landed[_ends(page.keys[landed])]] = True
    return Ruling(~known, current, np.zeros_like(known))


def first_only(page: Arrived, decided: Mask) -> Ruling:
    """A snapshot holds a record once: the first row of a key stands, other contents of it are in conflict.

    `decided` are the rows whose key stood earlier in this pull already: what is current was decided there.
    """
    same = page.same
    if (order := _grouped(page.keys)) is None:
        return Ruling(~same & ~decided, ~same & ~decided, ~same & decided)
    starts = _starts(page.keys[order])
    first = np.empty_like(order)
    first[order] = order[starts][np.cumsum(starts) - 1]
    standing = np.where(decided[:, None], page.current, page.hashes[first])
    conflict = (page.hashes != standing).any(axis=1)
    landed = ~conflict & ~decided & ~same & (first == np.arange(len(first)))
    return Ruling(landed, landed.copy(), conflict)


def _halves(keys: Hashes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    return keys[:, 1], keys[:, 0]


def _grouped(keys: Hashes) -> Rows | None:
    """Rows in an order that puts those of one key together, as they came; None when every key stands once."""
    half = np.sort(keys[:, 0])
    if (half[1:] != half[:-1]).all():
        return None
    order = np.lexsort(_halves(keys))
    return None if _starts(keys[order]).all() else order


def _starts(keys: Hashes) -> Mask:
    """Of keys in groups: where a group begins."""
    starts = np.ones(len(keys), dtype=np.bool_)
    starts[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    return starts


def _ends(keys: Hashes) -> Mask:
    """Of keys in groups: where a group ends."""
    return np.concatenate([_starts(keys)[1:], np.ones(min(len(keys), 1), dtype=np.bool_)])


def _first_of_key(keys: Hashes, order: Rows) -> Mask:
    first = np.zeros(len(keys), dtype=np.bool_)
    first[order[_starts(keys[order])]] = True
    return first


def _newest_before(page: Arrived, order: Rows) -> npt.NDArray[np.int64]:
    """For each row the newest time that its key had before it, in the warehouse or in the page."""
    group = np.cumsum(_starts(page.keys[order]))
    frame = pl.DataFrame({"group": group, "number": page.numbers[order]})
    before = pl.col("number").cum_max().shift(1).over("group").fill_null(_NEVER)
    newest = np.empty_like(page.numbers)
    newest[order] = frame.select(before).to_series().to_numpy()
    return np.maximum(newest, np.where(page.there, page.current_numbers, _NEVER))


def _repeated(keys: Hashes, hashes: Hashes) -> Mask:
    """Rows whose key and content stand earlier in the page."""
    both = np.concatenate([keys, hashes], axis=1)
    order = np.lexsort(tuple(both.T))
    repeated = np.zeros(len(keys), dtype=np.bool_)
    repeated[order[1:]] = (both[order[1:]] == both[order[:-1]]).all(axis=1)
    return repeated
