"""What the town does for enterprises: visits by its staff, and the demands that enterprises put to it."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Ints, day_number, masked, micros, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen, existed, months, told, working_days
from simulator.world.hashing import integers, uniform
from simulator.world.model import World
from simulator.world.phrases import DESCRIPTIONS

_VISITED_A_MONTH = 0.075
_ASKING_A_MONTH = 0.011
_VISITORS = 46
PROBLEMS: dict[str, tuple[float, tuple[str, ...]]] = {
    "none": (0.46, ("经营正常，无困难反映", "近期订单稳定", "正常经营，已宣讲惠企政策")),
    "labour": (0.14, ("一线工人招不满，缺口约十人", "技术岗位流动大，希望组织招聘会", "员工子女入学有困难")),
    "financing": (0.10, ("贷款到期，希望协调续贷", "应收账款周期长，资金周转紧张", "想了解贴息政策怎么申请")),
    "premises": (0.12, ("租金上涨，考虑搬迁", "厂房面积不够，希望协调扩租", "租期将满，房东未答复是否续租")),
    "facilities": (
        0.10,
        ("门口道路破损，货车进出不便", "园区经常停电", "停车位不足，员工停车难", "下水堵塞，雨天积水"),
    ),
    "policy": (0.05, ("申报材料不知交到哪里", "高新认定流程不清楚", "补贴还没有到账")),
    "environment": (0.03, ("隔壁夜间施工噪音大", "门口垃圾清运不及时", "周边油烟扰民被投诉，希望指导整改")),
}
KINDS = tuple(PROBLEMS)
_TEXTS = {kind: texts for kind, (_, texts) in PROBLEMS.items()}
# incidents that a firm at the same door also brings before the town, and what it calls them
_BROUGHT = {
    "noise": "environment",
    "sanitation": "environment",
    "illegal_parking": "facilities",
    "facility_damage": "facilities",
}
_BROUGHT_SHARE = 0.12
SOURCES = ("visit", "hotline", "app", "window")


def visits(world: World) -> pl.DataFrame:
    """One row per visit: at most one a month to a firm that exists.

    ``visit_id``, enterprise_id, visitor (staff number from 1), purpose routine|policy|difficulty|safety, problem (one
    of ``KINDS``), text, visited_at, solved_at (null: nothing to solve, or not yet), updated_at.
    """
    firm, key, day = _asked(world, "visited", _VISITED_A_MONTH)
    day = working_days(day)
    at = day * DAY + 9 * HOUR + (uniform(key, world.seed, "visit hour") * 8 * HOUR).astype(np.int64)
    problem = chosen(KINDS, key, world.seed, "problem", weights=[share for share, _ in PROBLEMS.values()])
    solved = at + ((3 + uniform(key, world.seed, "solved after") * 55) * DAY).astype(np.int64)
    mended = uniform(key, world.seed, "solved") < 0.85
    is_solved = (problem != "none").to_numpy() & mended & (solved < micros(world.now))
    purposes = chosen(("routine", "policy", "difficulty", "safety"), key, world.seed, "why", weights=(60, 20, 12, 8))
    return pl.DataFrame(
        {
            "visit_id": key,
            "enterprise_id": firm,
            "visitor": integers(firm, 1, _VISITORS + 1, world.seed, "visitor"),
            "purpose": purposes,
            "problem": problem,
            "text": told(problem, _TEXTS, key, world.seed, "visit text"),
            "visited_at": times(at),
            "solved_at": times(solved, is_solved),
            "updated_at": times(np.where(is_solved, solved, at)),
        }
    )


def demands(world: World) -> pl.DataFrame:
    """One row per demand: out of a visit, of the firm's own, or about an incident that others report too.

    ``demand_id``, enterprise_id, visit_id and incident_id (mostly null), category (of ``KINDS``, never none), text,
    source (one of ``SOURCES``), reported_at, due_at, handled_at, closed_at (null until it is), rejected,
    satisfaction (1–5 or null), updated_at.
    """
    parts = [_out_of_visits(world), _of_their_own(world), _about_incidents(world)]
    found = pl.concat(parts, how="diagonal").sort("demand_id")
    ids, reported = found["demand_id"].to_numpy(), found["at"].to_numpy()
    handled = reported + integers(ids, 2, 5 * 24, world.seed, "demand handled") * HOUR
    slow = np.where(uniform(ids, world.seed, "demand slow") < 0.12, 40, 12)
    closed = handled + (uniform(ids, world.seed, "demand closed") * slow * DAY).astype(np.int64)
    is_handled, is_closed = handled < micros(world.now), closed < micros(world.now)
    rejected = is_closed & (uniform(ids, world.seed, "demand rejected") < 0.03)
    marked = is_closed & ~rejected & (uniform(ids, world.seed, "demand marked") < 0.7)
    mark = chosen("54321", ids, world.seed, "satisfaction", weights=(60, 25, 10, 3, 2)).cast(pl.Int64)
    return found.drop("at").with_columns(
        pl.col("text").fill_null(told(found["category"], _TEXTS, ids, world.seed, "demand text")),
        pl.Series("reported_at", times(reported)),
        pl.Series("due_at", times(reported + 15 * DAY)),
        pl.Series("handled_at", times(handled, is_handled)),
        pl.Series("closed_at", times(closed, is_closed)),
        pl.Series("rejected", rejected),
        pl.Series("satisfaction", masked(mark, marked)),
        pl.Series("updated_at", times(np.where(is_closed, closed, np.where(is_handled, handled, reported)))),
    )


def _asked(world: World, what: str, share: float) -> tuple[Ints, Ints, Ints]:
    """(enterprise_id, key, day): a random share of the existing firms, month by month since the history began."""
    firms = world.enterprises
    ids = firms["enterprise_id"].to_numpy()
    found = []
    for first in months(HISTORY_START, world.today):
        key = ids * 10_000 + first.year % 100 * 100 + first.month
        picked = np.flatnonzero(uniform(key, world.seed, what) < share)
        day = day_number(first) + integers(key[picked], 2, 28, world.seed, what, "day")
        there = existed(firms[picked], working_days(day)) & (day <= day_number(world.today))
        found.append((ids[picked][there], key[picked][there], day[there]))
    return tuple(np.concatenate(part) for part in zip(*found, strict=True))  # type: ignore[return-value]


def _out_of_visits(world: World) -> pl.DataFrame:
    seen = visits(world).filter(pl.col("problem") != "none")
    seen = seen.filter(pl.Series(uniform(seen["visit_id"].to_numpy(), world.seed, "visit demand") < 0.25))
    return seen.select(
        "visit_id",
        "enterprise_id",
        demand_id=pl.col("visit_id") * 10 + 1,
        category="problem",
        source=pl.lit("visit"),
        at=pl.col("visited_at").dt.epoch("us") + HOUR,
    )


def _of_their_own(world: World) -> pl.DataFrame:
    firm, key, day = _asked(world, "demand", _ASKING_A_MONTH)
    at = day * DAY + 8 * HOUR + (uniform(key, world.seed, "demand hour") * 12 * HOUR).astype(np.int64)
    shares = [share for share, _ in PROBLEMS.values()][1:]
    return pl.DataFrame(
        {
            "enterprise_id": firm,
            "demand_id": key * 10 + 2,
            "category": chosen(KINDS[1:], key, world.seed, "demand kind", weights=shares),
            "source": chosen(SOURCES[1:], key, world.seed, "demand source", weights=(35, 50, 15)),
            "at": at,
        }
    )


def _about_incidents(world: World) -> pl.DataFrame:
    """Noise, rubbish, cars and broken things at a firm's door, which the firm brings before the town as well."""
    incidents = world.incidents.filter(pl.col("kind").is_in(list(_BROUGHT)) & pl.col("address_id").is_not_null())
    luck = uniform(incidents["incident_id"].to_numpy(), world.seed, "brought")
    at_doors = incidents.filter(pl.Series(luck < _BROUGHT_SHARE)).join(
        world.enterprises.select("enterprise_id", "address_id", "registered_on", "closed_on"), on="address_id"
    )
    ids = at_doors["incident_id"].to_numpy()
    text = told(at_doors["kind"], DESCRIPTIONS, ids, world.seed, "brought text")
    at = as_numbers(at_doors["occurred_at"]) + integers(ids, 1, 48, world.seed, "brought after") * HOUR
    found = at_doors.with_columns(pl.Series("at", at), text.alias("text")).filter(
        pl.Series(existed(at_doors, at // DAY) & (at < micros(world.now)))
    )
    return (
        found.sort("incident_id", "enterprise_id")
        .unique("incident_id", keep="first", maintain_order=True)
        .select(
            "enterprise_id",
            "incident_id",
            "text",
            "at",
            demand_id=pl.col("incident_id") * 10 + 3,
            category=pl.col("kind").replace_strict(_BROUGHT, return_dtype=pl.String),
            source=pl.lit("hotline"),
        )
    )
