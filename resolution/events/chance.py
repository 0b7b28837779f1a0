"""How sure it is that two reports with some evidence tell of one incident, measured on the reports themselves.

Reports two or three days apart are of different incidents, for a repeat of an old problem is not the same incident. How
often they show the same evidence is how often chance makes it; what reports of one day show beyond that is true. So a
dense town and a quiet one each get their own figures, without any example solved by hand. Where few pairs have an
evidence, what was found elsewhere stands in for `PRIOR_PAIRS` of them.
"""

from __future__ import annotations

import polars as pl

from resolution.events import blocks as event_blocks
from resolution.events import pairs as event_pairs

SHIFTS = (2, 3)
"""Days between reports that cannot be of one incident; whole days keep the hour of the day."""
HOURS = (0.5, 1, 2, 4, 7, event_blocks.WINDOW_HOURS)
PRIOR_PAIRS = 20
PRIOR = {
    event_pairs.POINT: 0.999, event_pairs.REREAD: 0.999, event_pairs.AIM: 0.98, event_pairs.DOOR: 0.99,
    event_pairs.BUILDING: 0.97, event_pairs.NEAR: 0.99, event_pairs.AROUND: 0.9, event_pairs.GRID_BUILDING: 0.95,
    event_pairs.GRID_PLACE: 0.7, event_pairs.GRID: 0.5, event_pairs.PLACE: 0.6,
}  # fmt: skip
"""Share of true pairs among those of each evidence in simulated towns of seeds 101 to 103."""


SCHEMA: dict[str, pl.DataType] = {
    "evidence": pl.Int8(), "apart": pl.Int64(), "channels": pl.String(), "sure": pl.Float64(),
}  # fmt: skip
"""How often a kind of pairs is true (0–1); without channels: where the two systems of a pair have no figure."""
_KINDS = (["evidence", "apart"], ["evidence", "apart", "channels"])


def pairs(reports: pl.DataFrame) -> pl.DataFrame:
    """Pairs of `reports` (see `pairs.pairs`) with what their kind is told by: apart, how many of `HOURS` they are
    further apart than, and channels, the two systems in the order of their names."""
    return _described(event_pairs.pairs(reports), reports)


def measured(found: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """How often each kind of pairs is true (`SCHEMA`), by all `reports` of a town and their `pairs`.

    A kind is an evidence, a time apart and, as far as there are enough pairs, the two systems: some channels pass on to
    each other, others never do. Where there are few it leans on the figure of the more general kind.
    """
    by_chance = _described(pl.concat([event_pairs.pairs(reports, shift) for shift in SHIFTS]), reports)
    prior = pl.col("evidence").replace_strict(PRIOR, return_dtype=pl.Float64)
    sure, figures = found.with_columns(sure=prior), []
    for kinds in _KINDS:
        figure = _figures(sure, by_chance, kinds)
        sure = sure.drop("sure").join(figure, on=kinds, how="left", maintain_order="left")
        figures.append(figure.with_columns(channels="channels" if "channels" in kinds else pl.lit(None, pl.String)))
    columns = [pl.col(name).cast(kind) for name, kind in SCHEMA.items()]
    return pl.concat([figure.select(columns) for figure in figures]).sort(*list(SCHEMA)[:3])


def judged(found: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """`pairs` with `sure`, the share of such pairs that are true by the figures of a town (`measured`)."""
    general = figures.filter(pl.col("channels").is_null()).select("evidence", "apart", general="sure")
    prior = pl.col("evidence").replace_strict(PRIOR, return_dtype=pl.Float64)
    both = found.join(figures, on=_KINDS[1], how="left", maintain_order="left").join(
        general, on=_KINDS[0], how="left", maintain_order="left"
    )
    return both.with_columns(sure=pl.coalesce("sure", "general", prior)).drop("apart", "channels", "general")


def _figures(found: pl.DataFrame, by_chance: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """kinds, sure: by the counts of each kind, leaning on what `sure` is in `found` where pairs are few."""
    # A shifted pair is found with either report first, within a window twice as wide as that of unordered pairs.
    chance = by_chance.group_by(kinds).agg(chance=pl.len() / (2 * len(SHIFTS)))
    counts = found.group_by(kinds).agg(pairs=pl.len(), before=pl.col("sure").first()).join(chance, on=kinds, how="left")
    true = (pl.col("pairs") - pl.col("chance").fill_null(0)).clip(0)
    return counts.select(*kinds, sure=(true + PRIOR_PAIRS * pl.col("before")) / (pl.col("pairs") + PRIOR_PAIRS))


def _described(pairs: pl.DataFrame, reports: pl.DataFrame) -> pl.DataFrame:
    """`pairs` with `apart` and `channels`, the two systems in the order of their names."""
    system = reports.select("row", "system")
    both = pairs.join(system, on="row", how="left", maintain_order="left").join(
        system.rename({"row": "row_2", "system": "system_2"}), on="row_2", how="left", maintain_order="left"
    )
    pair = (pl.min_horizontal("system", "system_2"), pl.lit(" "), pl.max_horizontal("system", "system_2"))
    return both.with_columns(apart=_apart(), channels=pl.concat_str(pair)).drop("system", "system_2")


def _apart() -> pl.Expr:
    """How many of `HOURS` a pair is further apart than."""
    later = [(pl.col("hours") > hours).cast(pl.Int64) for hours in HOURS]
    return pl.sum_horizontal(later)
