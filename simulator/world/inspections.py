"""Inspections of coded premises, the hazards they find, and when these are put right.

Coverage is as poor as the case study's figures imply (about a fifth of the promised cadence, very uneven),
and what is found depends on the latent hazard and on how strict the inspector is. Fixing and re-inspection
are a pure function of hazard and seed.
"""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from simulator.world import names
from simulator.world.calibration import GRIDS, HAZARDS, INSPECTIONS, INSPECTORS
from simulator.world.columns import (
    DAY,
    OFFICE,
    Bools,
    Floats,
    Ints,
    count,
    dates,
    day_number,
    hour_of_day,
    masked,
    micros,
    numbers,
    texts,
    times,
    weighted,
)
from simulator.world.hashing import integers, uniform

ROUTINE_A_DAY = 59.0  # what is left of the daily mean of inspections beside re-inspections
_INTERCEPT = -0.75
TYPES: tuple[str, ...] = (
    "电气线路私拉乱接",
    "灭火器材缺失或过期",
    "安全出口堵塞",
    "违规用火用气",
    "三合一（住宿与经营合用）",
    "堆放杂物",
    "特种设备未检",
    "无应急预案",
    "电动车室内充电",
    "危化品存放不当",
    "临边防护缺失",
)
SEVERITIES: tuple[str, ...] = ("general", "serious", "major")
DUE_DAYS = np.array([15, 7, 3])
_ORDER = ("at", "premises_id", "kind")


def inspectors(rng: np.random.Generator, scale: float, on: date) -> pl.DataFrame:
    """The frame ``inspectors``; each looks after one grid, some grids have several."""
    size = count(scale, INSPECTORS, 6)
    male = rng.random(size) < 0.6
    first, second = names.given_names(rng, male, rng.integers(1968, 2001, size))
    return pl.DataFrame(
        {
            "inspector_id": np.arange(1, size + 1),
            "name": names.chinese_names(names.surnames(rng, size), first, second),
            "grid_id": 1 + rng.permutation(max(size, GRIDS))[:size] % GRIDS,
            "updated_at": times((day_number(on) - rng.integers(30, 900, size)) * DAY + 9 * DAY // 24),
        }
    )


def intensity(premises: pl.DataFrame, seed: int) -> Floats:
    """How often each coded premises is visited, relatively; a sixth is never visited at all."""
    draw = uniform(premises["premises_id"].to_numpy(), seed, "intensity")
    return np.where(draw < 1 / 6, 0.0, draw**3 + 0.04)


def history(
    rng: np.random.Generator,
    scale: float,
    first_day: int,
    now: datetime,
    premises: pl.DataFrame,
    staff: int,
    seed: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``(inspections, hazards)`` of the history window, with exactly the case study's counts at this scale."""
    wanted, found = count(scale, INSPECTIONS, 8), count(scale, HAZARDS, 2)
    last_day = micros(now) // DAY - 1
    visits, score = _visits(rng, wanted, first_day, last_day, premises, staff, seed)
    visits = visits.with_columns(pl.Series("finds", _top(score, found)))
    dangers = _dangers(visits.filter("finds"), premises, 1, staff, seed)
    again = _again(dangers, plan(dangers, seed), 0, micros(now))
    # re-inspections count among the inspections: as many visits without a finding make room for them
    idle = np.flatnonzero(~visits["finds"].to_numpy())
    dropped = rng.permutation(idle)[: min(len(again), len(idle))]
    keep = np.ones(len(visits), bool)
    keep[dropped] = False
    table, dangers = _numbered(visits.filter(pl.Series(keep)), again, dangers, 1)
    return table, onward(dangers, now, seed)


def day(
    rng: np.random.Generator,
    scale: float,
    number: int,
    now: datetime,
    premises: pl.DataFrame,
    staff: int,
    seed: int,
    hazards: pl.DataFrame,
    first_inspection: int,
    first_hazard: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One day's ``(new inspections, all hazards)``."""
    wanted = int(rng.poisson(ROUTINE_A_DAY * scale))
    visits, score = _visits(rng, wanted, number, number, premises, staff, seed)
    visits = visits.with_columns(pl.Series("finds", score > 0))
    dangers = _dangers(visits.filter("finds"), premises, first_hazard, staff, seed)
    everything = pl.concat([hazards.drop("inspection_id"), dangers.select(hazards.drop("inspection_id").columns)])
    again = _again(everything, plan(everything, seed), number * DAY, micros(now))
    table, dangers = _numbered(visits, again, dangers, first_inspection)
    return table, onward(pl.concat([hazards, dangers.select(hazards.columns)]), now, seed)


def plan(hazards: pl.DataFrame, seed: int) -> pl.DataFrame:
    """When each hazard is put right (``fix``) and looked at again before (``failed``) and after (``passed``) that.

    Microseconds; -1 where it never happens.
    """
    ids = hazards["hazard_id"].to_numpy()
    found, due = numbers(hazards["found_at"]), numbers(hazards["due_on"])
    allowed = np.maximum(due - found // DAY, 1)
    wait = -0.8 * allowed * np.log1p(-uniform(ids, seed, "fix"))
    mended = uniform(ids, seed, "mended") < 0.87
    fix = np.where(mended, found + (wait * DAY).astype(np.int64) + 3 * DAY // 24, -1)
    overdue_visit = (due + integers(ids, 1, 8, seed, "overdue visit")) * DAY + _office_hour(ids, seed, "overdue")
    failed = ((fix < 0) | (fix > overdue_visit)) & (uniform(ids, seed, "failed") < 0.5)
    check = (fix // DAY + integers(ids, 1, 7, seed, "check")) * DAY + _office_hour(ids, seed, "check")
    passed = (fix >= 0) & (uniform(ids, seed, "passed") < 0.72)
    return pl.DataFrame(
        {"fix": fix, "failed": np.where(failed, overdue_visit, -1), "passed": np.where(passed, check, -1)}
    )


def onward(hazards: pl.DataFrame, now: datetime, seed: int) -> pl.DataFrame:
    """``hazards`` with all that was put right before ``now``."""
    planned = plan(hazards, seed)
    limit = micros(now)
    fix, passed = planned["fix"].to_numpy(), planned["passed"].to_numpy()
    fixed, checked = (fix >= 0) & (fix < limit), (passed >= 0) & (passed < limit)
    latest = np.maximum(numbers(hazards["found_at"]), np.maximum(np.where(fixed, fix, 0), np.where(checked, passed, 0)))
    return hazards.with_columns(
        times(fix, fixed).alias("fixed_at"),
        masked(hazards["checker_id"], checked).alias("reinspected_by"),
        times(latest).alias("updated_at"),
    )


def _office_hour(ids: Ints, seed: int, topic: str) -> Ints:
    return ((8.5 + 8 * uniform(ids, seed, topic, "hour")) * DAY / 24).astype(np.int64)


def _visits(
    rng: np.random.Generator,
    size: int,
    first_day: int,
    last_day: int,
    premises: pl.DataFrame,
    staff: int,
    seed: int,
) -> tuple[pl.DataFrame, Floats]:
    """Routine visits and drills, and each one's inclination to find a hazard (log odds with noise)."""
    coded = premises.filter(pl.col("coded") & pl.col("closed_on").is_null())
    row = weighted(rng, intensity(coded, seed), size) if len(coded) else np.zeros(0, np.int64)
    n = len(row)
    weekday_weights = np.array([1.0, 1, 1, 1, 1, 0.25, 0.2])
    days = np.arange(first_day, last_day + 1)
    chosen = days[weighted(rng, weekday_weights[(days + 3) % 7], n)]  # 1970-01-01 was a Thursday
    opened = numbers(coded["opened_on"])[row]
    chosen = np.minimum(np.maximum(chosen, opened), last_day)
    at = chosen * DAY + hour_of_day(rng, n, OFFICE)
    inspector = 1 + (coded["grid_id"].to_numpy()[row] * 7 + rng.integers(0, 3, n)) % staff
    drill = rng.random(n) < 0.09
    strict = uniform(inspector, seed, "strictness")
    score = _INTERCEPT + 5 * (coded["true_hazard"].to_numpy()[row] - 0.35) + 2.4 * (strict - 0.5) + rng.logistic(size=n)
    failed = drill & (rng.random(n) < 0.08)
    frame = pl.DataFrame(
        {
            "premises_id": coded["premises_id"].gather(row),
            "inspector_id": inspector,
            "at": at,
            "kind": texts(["routine", "drill"], drill),
            "failed": failed,
        }
    )
    return frame, np.where(drill, -np.inf, score)


def _top(score: Floats, size: int) -> Bools:
    chosen = np.zeros(len(score), bool)
    chosen[np.argsort(-score, kind="stable")[:size]] = True
    return chosen


def _dangers(visits: pl.DataFrame, premises: pl.DataFrame, first_id: int, staff: int, seed: int) -> pl.DataFrame:
    """Hazards found on ``visits``, without ``inspection_id``."""
    visits = visits.sort(*_ORDER, maintain_order=True)
    ids = np.arange(first_id, first_id + len(visits))
    row = np.searchsorted(premises["premises_id"].to_numpy(), visits["premises_id"].to_numpy())
    hazard = premises["true_hazard"].to_numpy()[row]
    grave = uniform(ids, seed, "severity") / (0.5 + hazard)
    severity = np.select([grave < 0.03, grave < 0.2], [2, 1], 0)
    found = visits["at"].to_numpy()
    # somebody else than who found it
    checker = 1 + (visits["inspector_id"].to_numpy() - 1 + integers(ids, 1, staff, seed, "checker")) % staff
    return pl.DataFrame(
        {
            "hazard_id": ids,
            "premises_id": visits["premises_id"],
            "type": texts(TYPES, integers(ids, 0, len(TYPES), seed, "type")),
            "severity": texts(SEVERITIES, severity),
            "found_at": times(found),
            "due_on": dates(found // DAY + DUE_DAYS[severity]),
            "fixed_at": times(found, np.zeros(len(ids), bool)),
            "reinspected_by": masked(pl.Series(checker), np.zeros(len(ids), bool)),
            "checker_id": checker,
            "updated_at": times(found),
        }
    )


def _again(hazards: pl.DataFrame, planned: pl.DataFrame, since: int, until: int) -> pl.DataFrame:
    """Re-inspections between the two moments, as visits."""
    parts = []
    for column, failed in (("failed", True), ("passed", False)):
        at = planned[column].to_numpy()
        due = pl.Series((at >= max(since, 0)) & (at < until))
        parts.append(
            pl.DataFrame(
                {
                    "premises_id": hazards["premises_id"].filter(due),
                    "inspector_id": hazards["checker_id"].filter(due),
                    "at": pl.Series(at).filter(due),
                }
            ).with_columns(kind=pl.lit("re-inspection"), failed=pl.lit(failed), finds=pl.lit(False))
        )
    return pl.concat(parts)


def _numbered(
    visits: pl.DataFrame, again: pl.DataFrame, dangers: pl.DataFrame, first_id: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frame ``inspections`` in order of time, and the hazards with their inspection's id."""
    table = pl.concat([visits, again.select(visits.columns)]).sort(*_ORDER, maintain_order=True)
    ids = np.arange(first_id, first_id + len(table))
    finding = table.with_columns(pl.Series("inspection_id", ids)).filter("finds")
    # the hazards are numbered in the same order of time as the visits that found them
    dangers = dangers.with_columns(finding["inspection_id"])
    grave = np.zeros(len(table), np.int64)
    grave[finding["inspection_id"].to_numpy() - first_id] = (
        dangers["severity"].replace_strict(list(SEVERITIES), [7, 7, 1], return_dtype=pl.Int64).to_numpy()
    )
    failed, at = table["failed"].to_numpy(), table["at"].to_numpy()
    days = np.select([grave > 0, failed], [grave, 7], 30)
    inspections = pl.DataFrame(
        {
            "inspection_id": ids,
            "premises_id": table["premises_id"],
            "inspector_id": table["inspector_id"],
            "inspected_at": times(at),
            "kind": table["kind"],
            "result": texts(["pass", "hazard", "fail"], np.select([grave > 0, failed], [1, 2], 0)),
            "next_due": dates(at // DAY + days),
            "updated_at": times(at),
        }
    )
    return inspections, dangers
