"""Which pairs are worth comparing: rules as data, each pair counted before it is made.

One bad rule made 32 of 35 million pairs once, so a rule may not exceed its budget: its largest blocks are left out
until it fits, and the run's figures say so. Two records with different valid numbers are never compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from resolution.residents.hashes import hashed

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


@dataclass(frozen=True)
class RuleCount:
    """Pairs that a rule would have made, those that it was let make, and the largest block that was let through."""

    rule: str
    pairs: int
    allowed: int
    block: int


def candidate_pairs(
    rows: pl.DataFrame,
    rules: dict[str, tuple[str, ...]] = RULES,
    *,
    changed: pl.Series | None = None,
    crowded: pl.Series | None = None,
) -> tuple[pl.DataFrame, list[RuleCount]]:
    """(pairs, counts). `rows` has id, number and the rules' columns; `pairs` has join_key_l < join_key_r, each once.

    With `changed` (ids) only pairs with at least one of these are made. `crowded` are keys of blocks that make none.
    """
    rows = rows.with_columns(
        loose=pl.col("number").is_null(),
        changed=pl.lit(True) if changed is None else pl.col("id").is_in(changed.implode()),
    )
    budget = max(LEAST_BUDGET, PAIRS_PER_ROW * rows.height)
    made, counts = [], []
    for rule, keys in rules.items():
        blocks, count = _allowed(roomy(rows, rule, crowded), rule, keys, budget)
        counts.append(count)
        made.append(_pairs(rows, blocks, keys))
    return pl.concat(made).unique().sort("join_key_l", "join_key_r"), counts


def roomy(rows: pl.DataFrame, rule: str, crowded: pl.Series | None) -> pl.DataFrame:
    """Rows in blocks of a rule that are not among the `crowded` ones (keys)."""
    if crowded is None or crowded.is_empty():
        return rows
    return rows.filter(~hashed(rows, rule, RULES[rule]).is_in(crowded.implode()).fill_null(False))


def _allowed(rows: pl.DataFrame, rule: str, keys: tuple[str, ...], budget: int) -> tuple[pl.DataFrame, RuleCount]:
    """Blocks of a rule that keep within its budget, smallest first."""
    size, fixed, old, old_fixed = (pl.col(name).cast(pl.Int64) for name in ("size", "fixed", "old", "old_fixed"))
    blocks = (
        rows.filter(pl.all_horizontal(pl.col(keys).is_not_null()))
        .group_by(keys)
        .agg(
            size=pl.len(),
            fixed=(~pl.col("loose")).sum(),
            old=(~pl.col("changed")).sum(),
            old_fixed=(~pl.col("changed") & ~pl.col("loose")).sum(),
        )
        # All pairs, without those of two numbers and without those of two rows that were there before.
        .with_columns(pairs=_choose(size) - _choose(fixed) - _choose(old) + _choose(old_fixed))
        .filter(pl.col("pairs") > 0)
    )
    by_size = (
        blocks.group_by("size").agg(pl.col("pairs").sum()).sort("size").with_columns(run=pl.col("pairs").cum_sum())
    )
    fits = by_size.filter((pl.col("size") <= MAX_BLOCK) & (pl.col("run") <= budget))
    block = int(fits["size"][-1]) if fits.height else 0
    allowed = int(fits["run"][-1]) if fits.height else 0
    count = RuleCount(rule, int(blocks["pairs"].sum()), allowed, block)
    return blocks.filter(pl.col("size") <= block).select(keys), count


def _choose(n: pl.Expr) -> pl.Expr:
    """Pairs among n."""
    return n * (n - 1) // 2


def _pairs(rows: pl.DataFrame, blocks: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    inside = rows.select("id", "loose", "changed", *keys).join(blocks, on=keys)
    loose = inside.filter("loose")
    pairs = loose.join(inside, on=keys, suffix="_r").filter(
        # Two loose rows meet twice, from either side.
        (pl.col("id") != pl.col("id_r"))
        & (~pl.col("loose_r") | (pl.col("id") < pl.col("id_r")))
        & (pl.col("changed") | pl.col("changed_r"))
    )
    return pairs.select(join_key_l=pl.min_horizontal("id", "id_r"), join_key_r=pl.max_horizontal("id", "id_r"))
