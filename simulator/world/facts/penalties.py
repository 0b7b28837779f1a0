"""Decisions on administrative penalties against firms, self-employed people and persons."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Floats, Ints, dates, day_number, masked, texts, times
from simulator.world.facts.draws import chosen, existed, months, strangers, working_days
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

_PERSONS_A_DAY = 13.0
_FIRMS_A_MONTH = 0.013
_STEEPNESS = 1.4
"""How much likelier premises that are a danger are to be fined."""

# agency, matter, whom it can be about, and the fine in yuan (none: a warning)
_MATTERS: tuple[tuple[str, str, str, tuple[int, int] | None], ...] = (
    ("城管", "占道经营", "person", (50, 500)),
    ("城管", "违规停放车辆", "person", (50, 150)),
    ("城管", "未按规定分类投放垃圾", "person", (50, 200)),
    ("城管", "违法搭建", "person", (1_000, 20_000)),
    ("公安", "无证驾驶电动三轮车", "person", None),
    ("消防", "在楼道给电动车充电", "person", (200, 1_000)),
    ("市监", "未明码标价", "firm", None),
    ("市监", "无照经营食品", "firm", (2_000, 50_000)),
    ("市监", "发布虚假广告", "firm", (3_000, 80_000)),
    ("应急", "未对员工进行安全生产教育", "firm", (10_000, 50_000)),
    ("应急", "未如实记录隐患排查", "firm", (5_000, 50_000)),
    ("消防", "堵塞安全出口", "firm", (5_000, 50_000)),
    ("消防", "消防设施未保持完好有效", "firm", (5_000, 50_000)),
    ("环保", "未采取扬尘防治措施", "firm", (10_000, 100_000)),
    ("城管", "出店经营", "firm", (200, 2_000)),
)


def penalties(world: World) -> pl.DataFrame:
    """One row per decision since the history began.

    ``decision_id``, party person|self_employed|firm, enterprise_id (null for persons), name, id_no (persons), agency,
    matter, kind warning|fine|suspension, amount (fen; null without a fine), decided_on, state in_force|executed|
    revoked, updated_at.
    """
    against = pl.concat([_persons(world), _firms(world)], how="diagonal").sort("decision_id")
    ids, day = against["decision_id"].to_numpy(), against["day"].to_numpy()
    row = _matter(ids, (against["party"] == "person").to_numpy(), world.seed)
    lowest = np.array([fine[0] if fine else 0 for *_, fine in _MATTERS])[row]
    highest = np.array([fine[1] if fine else 0 for *_, fine in _MATTERS])[row]
    yuan = lowest + (uniform(ids, world.seed, "fine") ** 2 * (highest - lowest)) // 50 * 50
    suspended = (highest >= 50_000) & (uniform(ids, world.seed, "suspension") < 0.06)
    kind = np.select([highest == 0, suspended], ["warning", "suspension"], "fine")
    executed = day + integers(ids, 3, 60, world.seed, "executed after")
    luck = uniform(ids, world.seed, "executed")
    done = (executed <= day_number(world.today)) & (luck < 0.8)
    return against.select("decision_id", "party", "enterprise_id", "name", "id_no").with_columns(
        texts([matter[0] for matter in _MATTERS], row).alias("agency"),
        texts([matter[1] for matter in _MATTERS], row).alias("matter"),
        pl.Series("kind", kind),
        masked(pl.Series(yuan.astype(np.int64) * 100), highest > 0).alias("amount"),
        pl.Series("decided_on", dates(day)),
        pl.Series("state", np.where(done, np.where(luck < 0.01, "revoked", "executed"), "in_force")),
        pl.Series("updated_at", times(np.where(done, executed, day) * DAY + 17 * HOUR)),
    )


def _persons(world: World) -> pl.DataFrame:
    days = np.arange(day_number(HISTORY_START), day_number(world.today) + 1)
    size = np.floor(_PERSONS_A_DAY * world.scale + uniform(days, world.seed, "persons fined")).astype(np.int64)
    day = np.repeat(days, size)
    turn = np.arange(len(day)) - np.repeat(np.cumsum(size) - size, size)
    ids = (day * 1_000 + turn) * 2
    people = strangers(ids, world.seed, "fined")
    return people.select("name", "id_no").with_columns(
        pl.Series("decision_id", ids), pl.Series("day", day), pl.lit("person").alias("party")
    )


def _firms(world: World) -> pl.DataFrame:
    firms = world.enterprises
    rate = _FIRMS_A_MONTH * np.exp(_STEEPNESS * _danger(world))
    ids = firms["enterprise_id"].to_numpy()
    parts = []
    for first in months(HISTORY_START, world.today):
        key = ids * 10_000 + first.year % 100 * 100 + first.month
        row = np.flatnonzero(uniform(key, world.seed, "firm fined") < rate)
        day = working_days(day_number(first) + integers(key[row], 2, 28, world.seed, "firm fined", "day"))
        there = existed(firms[row], day) & (day <= day_number(world.today))
        parts.append(
            firms[row[there]].select(
                "enterprise_id",
                "name",
                pl.col("kind").alias("party"),
                pl.Series("day", day[there]),
                pl.Series("decision_id", key[row[there]] * 2 + 1),
            )
        )
    return pl.concat(parts)


def _danger(world: World) -> Floats:
    """The latent hazard of each enterprise's worst premises, 0 where it has none."""
    worst = world.premises.drop_nulls("enterprise_id").group_by("enterprise_id").agg(pl.col("true_hazard").max())
    found = world.enterprises.select("enterprise_id").join(worst, on="enterprise_id", how="left", maintain_order="left")
    return found["true_hazard"].fill_null(0.0).to_numpy()


def _matter(ids: Ints, person: np.ndarray, seed: int) -> Ints:
    """An index of ``_MATTERS`` that fits the party."""
    rows = [[i for i, matter in enumerate(_MATTERS) if matter[2] == whom] for whom in ("person", "firm")]
    picked = [chosen([str(i) for i in fitting], ids, seed, "matter").cast(pl.Int64).to_numpy() for fitting in rows]
    return np.where(person, picked[0], picked[1])
