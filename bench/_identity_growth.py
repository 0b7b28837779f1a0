"""How the work of linking grows with the town: the same records, and those of a third and of a tenth of the people.

People are drawn with all their records, so that a part is a smaller town and no thinner one. The exponent of n is the
slope between two sizes: 1 is work in step with the records, 2 is every record compared with every other. What a process
needs before it looks at any record (loading Splink, making its tables) is the same at every size and flatters the
exponent of small towns: the slope between the two largest is the one to read.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from bench._identity_run import measured
from resolution.sources import RESIDENT_SCHEMA

SHARES = (0.1, 0.3, 1.0)
AIM = 1.1


def growth(records: pl.DataFrame, *, rounds: int) -> dict[str, Any]:
    """Core seconds of `residents.cluster` by share of the people, and exponents between the sizes.

    `records` has `RESIDENT_SCHEMA` and `true`. Each size counts by the quickest of its `rounds`, each in a process of
    its own, in turns, so that whatever else the machine does is done to all.
    """
    parts = {share: part(records, share) for share in SHARES}
    spent: dict[float, list[float]] = {share: [] for share in SHARES}
    with tempfile.TemporaryDirectory(prefix="townhub-growth-") as name:
        folder = Path(name)
        for share, some in parts.items():
            some.select(list(RESIDENT_SCHEMA)).write_parquet(folder / f"records-{share:g}.parquet")
        for _ in range(rounds):
            for share in SHARES:
                spent[share].append(
                    measured("ours", folder / f"records-{share:g}.parquet", folder).spent["core_seconds"]
                )
    sizes = [
        {"share": share, "records": some.height, "core_seconds": min(spent[share])} for share, some in parts.items()
    ]
    slopes = [exponent(small, large) for small, large in pairwise(sizes)]
    return {"sizes": sizes, "exponents": slopes, "exponent": exponent(sizes[0], sizes[-1])}


def part(records: pl.DataFrame, share: float) -> pl.DataFrame:
    """All records of a share of the people, the same people every time."""
    people = records["true"].unique().sort()
    chosen = people.sample(fraction=share, seed=1)
    return records.filter(pl.col("true").is_in(chosen.implode()))


def exponent(small: dict[str, Any], large: dict[str, Any]) -> float:
    """Of n between two sizes (records, core_seconds)."""
    return math.log(large["core_seconds"] / small["core_seconds"]) / math.log(large["records"] / small["records"])


def lines(figures: dict[str, Any]) -> Iterator[str]:
    """Figures for a person."""
    for one in figures["sizes"]:
        people, spent = f"{one['share']:>5.0%} of the people", f"{one['core_seconds']:.1f} core seconds"
        yield f"  {people}: {one['records']:>9,} records, {spent}"
    steps = ", ".join(f"{slope:.2f}" for slope in figures["exponents"])
    yield f"  exponent of n {figures['exponent']:.2f} over all (aim {AIM}), step by step {steps}"
