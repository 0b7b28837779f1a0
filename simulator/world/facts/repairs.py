"""Repairs that residents ask for in their homes and houses (邻里E家): four steps from the report to the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, WAKING, Bools, Ints, micros, texts, times
from simulator.world.facts.cycles import daily
from simulator.world.facts.draws import chosen, strangers, told
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

REPAIRS_A_DAY = 50.0
STATES = ("reported", "accepted", "repairing", "done")
WORDS: dict[str, Sequence[str]] = {
    "water": ("厨房水管漏水", "卫生间下水道堵塞", "水压太小", "楼上渗水，天花板湿了"),
    "electricity": ("家里跳闸", "楼道灯不亮", "插座冒火花", "电表箱门坏了"),
    "lift": ("电梯按钮失灵", "电梯有异响", "电梯困人后停用"),
    "door": ("单元门关不上", "门禁刷不开", "防盗门锁坏了"),
    "roof": ("顶楼漏雨", "外墙瓷砖脱落", "窗框渗水"),
    "public": ("小区路灯不亮", "围栏松动", "健身器材损坏", "垃圾房水龙头漏水"),
}
_WEIGHTS = (34, 20, 12, 14, 8, 12)
_STUCK = (0.02, 0.04, 0.05)


def repairs(world: World) -> pl.DataFrame:
    """One row per repair: ``repair_id``, address_id (a home in an estate), kind (of ``WORDS``), text, reporter,
    reporter_phone, state (of ``STATES``), reported_at, accepted_at, repairing_at, done_at, updated_at; as they stand
    at the end of ``world.today``.

    20–80 a day at scale 1. A tenth stays in one of the steps for ever.
    """
    ids, days = daily(world, REPAIRS_A_DAY, "repairs")
    salt = (world.seed, "repair")
    homes = world.addresses.filter((pl.col("kind") == "residential") & pl.col("estate").is_not_null())
    home = homes["address_id"].gather(integers(ids, 0, len(homes), *salt, "home"))
    kind = chosen(list(WORDS), ids, *salt, "kind", weights=_WEIGHTS)
    people = strangers(ids, *salt, "reporter")
    steps, reached = _steps(ids, days, world)
    state = sum(part.astype(np.int64) for part in reached)
    frame = pl.DataFrame(
        {
            "repair_id": ids,
            "address_id": home,
            "kind": kind,
            "text": told(kind, WORDS, ids, *salt, "text"),
            "reporter": people["name"],
            "reporter_phone": people["phone"],
            "state": texts(STATES, state),
            "reported_at": times(steps[0]),
        }
    )
    return frame.with_columns(
        *(times(at, done).alias(f"{name}_at") for name, at, done in zip(STATES[1:], steps[1:], reached, strict=True)),
        times(np.choose(state, steps)).alias("updated_at"),
    )


def _steps(ids: Ints, days: Ints, world: World) -> tuple[list[Ints], list[Bools]]:
    """The moments of the four steps, and of the last three whether they have come."""
    salt = (world.seed, "repair")
    hours = np.cumsum(WAKING) / np.sum(WAKING)
    hour = np.searchsorted(hours, uniform(ids, *salt, "hour"), side="right")
    steps = [days * DAY + hour * HOUR + integers(ids, 0, 3600, *salt, "second") * 1_000_000]
    now = micros(world.now)
    reached: list[Bools] = []
    for number, longest in enumerate((20, 48, 90)):
        took = (uniform(ids, *salt, "step", number) ** 2 * longest * HOUR).astype(np.int64) + 300_000_000
        steps.append(steps[-1] + took)
        goes_on = uniform(ids, *salt, "stuck", number) >= _STUCK[number]
        before = reached[-1] if reached else np.ones(len(ids), bool)
        reached.append(before & goes_on & (steps[-1] < now))
    return steps, reached
