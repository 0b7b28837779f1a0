"""Which pairs are worth comparing: rules as data, each pair counted before it is made.

One bad rule made 32 of 35 million pairs once, so a rule may not exceed its budget: its largest blocks are left out
until it fits, and the run's figures say so. Two records with different valid numbers are never compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from resolution.residents.abreast import abreast
from resolution.residents.coding import distinct, keys_of
from resolution.residents.hashes import hashed

Places = npt.NDArray[np.int64]
"""Rows by their place in the table."""
Truths = npt.NDArray[np.bool_]

RULES: dict[str, tuple[str, ...]] = {
    "number, one end or the other": ("typed_ends", "surname"),
    "first 14 digits and surname": ("typed_head", "surname"),
    "last 6 digits and surname": ("typed_tail", "surname"),
    "phone": ("phone",),
    "pinyin and birth date": ("pinyin", "birth"),
    "pinyin and birth year": ("pinyin", "birth_year"),
    "pinyin and building": ("pinyin", "building"),
    "surname and door": ("surname", "door"),
    "birth date and surname": ("birth", "surname"),
    "birth date and building": ("birth", "building"),
    # Not for automatic links: who in town has the name decides the probable ones.
    "name": ("name",),
}
MAX_BLOCK = 200
"""A value that more rows share (a switchboard, a name like 王伟 in a large community) sets none of them apart."""
PAIRS_PER_ROW = 8
"""Budget of one rule, in pairs per row."""
LEAST_BUDGET = 100_000
AT_ONCE = 500_000
"""Pairs of a rule that are made before those that cannot be are thrown away."""


@dataclass(frozen=True)
class RuleCount:
    """Pairs that a rule would have made, those that it was let make, and the largest block that was let through."""

    rule: str
    pairs: int
    allowed: int
    block: int


@dataclass(frozen=True)
class Blocks:
    """Rows that share a rule's values stand together in `rows`; `size` of each block, in the same order."""

    rows: Places
    size: Places

    def sums(self, marked: Truths) -> Places:
        """How many rows of each block are marked."""
        total = np.concatenate([np.zeros(1, np.int64), np.cumsum(marked[self.rows])])
        ends = np.cumsum(self.size)
        return np.asarray(total[ends] - total[ends - self.size], dtype=np.int64)

    def first(self) -> Places:
        """A row of each block."""
        return np.asarray(self.rows[np.cumsum(self.size) - self.size], dtype=np.int64)

    def only(self, wanted: Truths) -> Blocks:
        return Blocks(self.rows[np.repeat(wanted, self.size)], self.size[wanted])


def candidate_pairs(
    rows: pl.DataFrame,
    rules: dict[str, tuple[str, ...]] = RULES,
    *,
    changed: pl.Series | None = None,
    crowded: pl.Series | None = None,
    possible: Callable[[Places, Places], Truths] | None = None,
    budget: int | None = None,
) -> tuple[pl.DataFrame, list[RuleCount]]:
    """(pairs, counts). `rows` has id, number and the rules' columns; `pairs` has join_key_l < join_key_r, each once.

    With `changed` (ids) only pairs with at least one of these are made. `crowded` are keys of blocks that make none.
    Pairs that `possible` (of their places in `rows`) rules out count, and are not kept. `budget` is that of each rule,
    if not by the number of these rows.
    """
    ids = rows["id"].to_numpy()
    loose = rows["number"].is_null().to_numpy()
    fresh = np.ones(len(ids), bool) if changed is None else rows["id"].is_in(changed.implode()).to_numpy()
    budget = rule_budget(rows.height) if budget is None else budget

    def of(rule: str) -> tuple[list[Places], RuleCount]:
        blocks = _roomy(blocks_of(rows, rules[rule]), rows, rule, crowded)
        blocks, count = _allowed(blocks, rule, loose, fresh, budget)
        made = []
        for left, right in _pairs(blocks, loose, fresh):
            if possible is not None:
                kept = possible(left, right)
                left, right = left[kept], right[kept]
            # Two places are one number, so that a pair of several rules is found once by sorting.
            made.append(np.minimum(left, right) << 32 | np.maximum(left, right))
        return made, count

    found = abreast(of, rules)
    counts = [count for _, count in found]
    pairs = distinct(np.concatenate([np.empty(0, np.int64), *chain.from_iterable(made for made, _ in found)]))
    ends = pl.DataFrame({"a": ids[pairs >> 32], "b": ids[pairs & 0xFFFFFFFF]}, schema=dict.fromkeys("ab", pl.Int64))
    return ends.select(join_key_l=pl.min_horizontal("a", "b"), join_key_r=pl.max_horizontal("a", "b")), counts


def rule_budget(rows: int) -> int:
    """How many pairs a rule may make of so many rows."""
    return max(LEAST_BUDGET, PAIRS_PER_ROW * rows)


def roomy(rows: pl.DataFrame, rule: str, crowded: pl.Series | None) -> pl.DataFrame:
    """Rows in blocks of a rule that are not among the `crowded` ones (keys)."""
    if crowded is None or crowded.is_empty():
        return rows
    return rows.filter(~hashed(rows, rule, RULES[rule]).is_in(crowded.implode()).fill_null(False))


def blocks_of(rows: pl.DataFrame, columns: tuple[str, ...]) -> Blocks:
    """Of rows that have all of the columns; who shares a block with nobody is left out."""
    key = keys_of(rows, columns)
    known = key.is_not_null().arg_true().to_numpy()
    values = key.drop_nulls().to_numpy()
    order = np.argsort(values)
    values = values[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(values), 1), bool), values[1:] != values[:-1]]))
    size = np.diff(np.append(starts, len(values)))
    return Blocks(known[order].astype(np.int64), size).only(size > 1)


def _roomy(blocks: Blocks, rows: pl.DataFrame, rule: str, crowded: pl.Series | None) -> Blocks:
    if crowded is None or crowded.is_empty():
        return blocks
    key = hashed(rows[blocks.first()], rule, RULES[rule])
    return blocks.only((~key.is_in(crowded.implode())).to_numpy())


def _allowed(blocks: Blocks, rule: str, loose: Truths, fresh: Truths, budget: int) -> tuple[Blocks, RuleCount]:
    """Blocks of a rule that keep within its budget, smallest first."""
    fixed, old, old_fixed = (blocks.sums(marked) for marked in (~loose, ~fresh, ~fresh & ~loose))
    # All pairs, without those of two numbers and without those of two rows that were there before.
    pairs = _choose(blocks.size) - _choose(fixed) - _choose(old) + _choose(old_fixed)
    sizes = distinct(blocks.size[pairs > 0])
    by_size = np.bincount(blocks.size, weights=pairs)[sizes].astype(np.int64)
    run = np.cumsum(by_size)
    fits = np.flatnonzero((sizes <= MAX_BLOCK) & (run <= budget))
    block, allowed = (int(sizes[fits[-1]]), int(run[fits[-1]])) if len(fits) else (0, 0)
    count = RuleCount(rule, int(pairs.sum()), allowed, block)
    return blocks.only((pairs > 0) & (blocks.size <= block)), count


def _choose(n: Places) -> Places:
    """Pairs among n."""
    return n * (n - 1) // 2


def _pairs(blocks: Blocks, loose: Truths, fresh: Truths) -> Iterator[tuple[Places, Places]]:
    """Places of pairs, some at a time: each loose row with all of its block."""
    start, block = np.cumsum(blocks.size) - blocks.size, np.repeat(np.arange(len(blocks.size)), blocks.size)
    mine = np.flatnonzero(loose[blocks.rows])
    reach = blocks.size[block[mine]]
    done = np.cumsum(reach)
    cuts = np.unique(np.searchsorted(done, np.arange(0, int(reach.sum()) + AT_ONCE, AT_ONCE), side="right"))
    for first, last in pairwise(cuts.tolist()):
        some, many = mine[first:last], reach[first:last]
        nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        left = np.repeat(blocks.rows[some], many)
        right = blocks.rows[np.repeat(start[block[some]], many) + nth]
        # Two loose rows meet twice, from either side.
        once = (left < right) | (~loose[right] & (left != right))
        kept = once & (fresh[left] | fresh[right])
        yield left[kept], right[kept]
