"""Pairs of reports that share a block: one kind of event, one place, at most `WINDOW_HOURS` apart.

A place is a cell of the map, a door, a building, a grid or a camera. A block of more than `MAX_BLOCK` reports in one
half of a day tells nothing and is left out, so the number of pairs follows the number of reports.

The reports of a block lie side by side on one line, in the order of their times, so those near in time are a stretch
of it: two searches find them, and no pair is made that is too far apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Steps = tuple[tuple[int, int], ...]

WINDOW_HOURS = 12
MAX_BLOCK = 120
NEAR_METRES = 30.0
"""A source whose places are this near tells one house from the next."""
FAR_METRES = 100.0
"""Where a source's own places are further off than this they are as good as none."""
_HOUR = 3_600_000
HALF_HOURS = 12
_HALF = HALF_HOURS * _HOUR
_WINDOW = WINDOW_HOURS * _HOUR
_DAY = 24 * _HOUR
_BITS = 21
"""Of a number in a key: cells of 30 m count to 31,000 km either way."""
_BESIDE: Steps = tuple((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1))
_HERE: Steps = ((0, 0),)


def blocked(reports: pl.DataFrame, days: int = 0) -> pl.DataFrame:
    """first and second: positions in `reports` of two that share a block, once each and in order.

    `reports` has kind, at and the columns of the places (see `events.pairs.pairs`), words as numbers. Without `days`
    first comes before second; otherwise the second happened so many days after it would have to, as `pairs` says.
    """
    at = reports["at"].dt.epoch("ms").to_numpy()
    of = len(reports)
    found = [np.empty(0, dtype=np.int64)]
    for mine, theirs, around in _keys():
        kept, name = _named(reports, mine)
        asking, asked = _named(reports, theirs)
        order = np.lexsort((at[asking], asked))  # what is looked up in order is looked up fast
        asking, asked = asking[order], asked[order]
        loose = _loose(name, at[kept])
        line = _Line(name[loose], at[kept][loose])
        for step in around:
            first, second = line.near(asked + (step[0] << _BITS) + step[1], at[asking] - days * _DAY)
            first, second = kept[loose][first], asking[second]
            wanted = first < second if days == 0 else first != second
            found.append(first[wanted] * of + second[wanted])
    pairs = np.sort(np.concatenate(found))
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    return pl.DataFrame({"first": pairs // max(of, 1), "second": pairs % max(of, 1)})


def half_of(at: pl.Expr) -> pl.Expr:
    """The number of the half of a day (UTC) that a time is in; blocks are counted by halves."""
    return at.dt.epoch("ms") // _HALF


class _Line:
    """Reports of blocks, side by side by block and time."""

    def __init__(self, name: Ints, at: Ints) -> None:
        self.names, block = np.unique(name, return_inverse=True)
        self.start = int(at.min(initial=0)) - _WINDOW - 1
        self.span = int(at.max(initial=0)) - self.start + _WINDOW + 1
        place = block * self.span + (at - self.start)
        self.order = np.argsort(place, kind="stable")
        self.places = place[self.order]

    def near(self, name: Ints, at: Ints) -> tuple[Ints, Ints]:
        """Positions (of the line's reports, of the asked) of all that share a block within the window."""
        if not len(self.names):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        block = np.minimum(np.searchsorted(self.names, name), len(self.names) - 1)
        since = at - self.start
        asked = np.flatnonzero((self.names[block] == name) & (since > -_WINDOW) & (since < self.span + _WINDOW))
        corner = block[asked] * self.span
        since = since[asked]
        low = np.searchsorted(self.places, corner + np.maximum(since - _WINDOW, 0), "left")
        high = np.searchsorted(self.places, corner + np.minimum(since + _WINDOW, self.span - 1), "right")
        found = np.maximum(high - low, 0)
        ends = np.cumsum(found)
        ramp = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - found, found)
        return self.order[np.repeat(low, found) + ramp], np.repeat(asked, found)


def _keys() -> Iterator[tuple[list[pl.Expr], list[pl.Expr], Steps]]:
    """Keys of blocks: of the first report, of the second, and by how much the second's may differ."""
    cell, near = FAR_METRES, NEAR_METRES
    where = pl.when(pl.col("x").is_null() | pl.col("place").is_not_null())
    roadside = where.then(pl.when(pl.col("roadside") | ~pl.col("told")).then("grid"))
    here = [_cell("x", near), _cell("y", near)]
    yield [_cell("x", cell), _cell("y", cell)], [_cell("x", cell), _cell("y", cell)], _BESIDE
    yield [_cell("reread_x", near), _cell("reread_y", near)], here, _BESIDE
    for key in (["device"], ["stem", "building"], ["stem", "number"]):
        yield [pl.col(name) for name in key], [pl.col(name) for name in key], _HERE
    for only in (roadside, where.then("place")):
        yield [only], [only], _HERE


def _cell(name: str, metres: float) -> pl.Expr:
    return (pl.col(name) / metres).floor()


def _named(reports: pl.DataFrame, key: list[pl.Expr]) -> tuple[Ints, Ints]:
    """(positions of the reports that have a key, its name as one number)."""
    parts = [pl.lit(0), *key][-2:]
    numbers = reports.select("kind", a=parts[0], b=parts[1]).with_row_index("position").drop_nulls()
    position, kind, a, b = (numbers[name].cast(pl.Int64).to_numpy() for name in ("position", "kind", "a", "b"))
    half = 1 << (_BITS - 1)
    return position, (kind << 2 * _BITS) + ((a + half) << _BITS) + (b + half)


def _loose(name: Ints, at: Ints) -> Ints:
    """Positions of those whose block has no more than `MAX_BLOCK` reports in their half of a day."""
    if not len(name):
        return np.empty(0, dtype=np.int64)
    frame = pl.DataFrame({"name": name, "half": at // _HALF})
    return frame.select(pl.arg_where(pl.len().over("name", "half") <= MAX_BLOCK)).to_series().cast(pl.Int64).to_numpy()
