"""How well a ranking of premises tells where something will happen: pure functions over one frame.

The frame has a row per premises: any columns to rank by, `events`, what happened there afterwards, and `expected`, what
happens there in the mean of many futures that the town could have had.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl

TOP = 0.1


@dataclass(frozen=True)
class Capture:
    """What the best-ranked share of premises holds: events and premises may be fractions where ranks are tied."""

    premises: float
    events: float
    lift: float
    """Events per premises in it, divided by events per premises everywhere; nan where nothing happened at all."""
    low: float
    high: float
    """Lift within 95 % of what chance makes of so few events."""


def capture(frame: pl.DataFrame, by: str, top: float = TOP) -> Capture:
    """The `top` share of the rows, those with the highest `by` first; null ranks last.

    Of rows with an equal rank at the edge each counts with the same fraction: what one may expect of choosing among
    them blindly. Raises ValueError without rows.
    """
    if frame.is_empty():
        raise ValueError("there are no premises to rank")
    wanted = frame.height * top
    groups = (
        frame.group_by(pl.col(by).alias("rank"))
        .agg(pl.len().alias("size"), pl.col("events").sum())
        .sort("rank", descending=True, nulls_last=True)
    )
    before = groups["size"].cum_sum() - groups["size"]
    share = ((wanted - before) / groups["size"]).clip(0, 1)
    events = float((share * groups["events"]).sum())
    everywhere = float(frame["events"].sum()) / frame.height
    if not everywhere:
        return Capture(wanted, events, math.nan, math.nan, math.nan)
    by_chance = wanted * everywhere
    spread = 1.96 * math.sqrt(max(events, 1.0))
    return Capture(
        wanted, events, events / by_chance, max(0.0, events - spread) / by_chance, (events + spread) / by_chance
    )


def expected_lift(frame: pl.DataFrame, by: str, top: float = TOP) -> float:
    """As `capture`, of the column `expected`: what would happen there on average, without the luck of one future."""
    return capture(frame.with_columns(events="expected"), by, top).lift


def calibration(frame: pl.DataFrame, by: str, width: int = 10) -> pl.DataFrame:
    """band (lowest value of it), premises, events, rate (events per premises): by bands of `by`, lowest first."""
    banded = frame.drop_nulls(by).with_columns((pl.col(by) // width * width).cast(pl.Int64).alias("band"))
    return rates(banded, "band")


def rates(frame: pl.DataFrame, by: str) -> pl.DataFrame:
    """`by`, premises, events, rate (events per premises): a row per value."""
    return (
        frame.group_by(by)
        .agg(pl.len().alias("premises"), pl.col("events").sum())
        .with_columns((pl.col("events") / pl.col("premises")).alias("rate"))
        .sort(by)
    )


def evidence(frame: pl.DataFrame) -> pl.DataFrame:
    """rule, premises, times, doublings: how much more is to be expected where a rule gives points than where not.

    The frame has `rules`, the list of rules that give any, and `expected`. `doublings` (the logarithm of `times` to the
    base of two) is what weights are read from: ten points each, less for what comes together with others.
    """
    found: list[tuple[str, int, float, float]] = []
    for rule in sorted(frame["rules"].explode().drop_nulls().unique()):
        given = frame.select("expected", given=pl.col("rules").list.contains(rule))
        without = float(given.filter(~pl.col("given"))["expected"].sum())
        number = int(given["given"].sum())
        if number == given.height or not without:
            continue
        rate = float(given.filter("given")["expected"].sum()) / number
        times = rate / (without / (given.height - number))
        found.append((rule, number, times, math.log2(times) if times else -math.inf))
    schema = {"rule": pl.String, "premises": pl.Int64, "times": pl.Float64, "doublings": pl.Float64}
    return pl.DataFrame(found, schema=schema, orient="row").sort("times", descending=True)


def discovery(findings: pl.DataFrame) -> pl.DataFrame:
    """register, confidence, uncovered, right, precision: of the records called uncovered, how many truly are.

    `findings` has register, finding, confidence and `coded` (the truth of the premises of the record).
    """
    return (
        findings.filter(pl.col("finding") == "uncovered")
        .group_by("register", "confidence")
        .agg(pl.len().alias("uncovered"), (~pl.col("coded")).sum().alias("right"))
        .with_columns((pl.col("right") / pl.col("uncovered")).alias("precision"))
        .sort("register", "confidence")
    )


def discovery_recall(findings: pl.DataFrame) -> float:
    """Of the premises without a code that some register knows, the share with a record that is called uncovered."""
    hidden = findings.filter(~pl.col("coded"))
    found = hidden.filter(pl.col("finding") == "uncovered")
    return found["premises_id"].n_unique() / hidden["premises_id"].n_unique() if hidden.height else 1.0
