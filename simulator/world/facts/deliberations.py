"""What the communities deliberate on, the plans that are put to the vote, and how often somebody voted twice."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, digits, masked, micros, texts, times
from simulator.world.facts.draws import chosen, daily, strangers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

A_DAY = 3 / 7
CHANNELS = ("bell", "council")
_MATTERS = (
    "加装电梯怎么分摊",
    "小区停车位怎么分配",
    "垃圾投放点设在哪里",
    "楼道充电怎么管",
    "广场舞时间怎么定",
    "公共绿地怎么改造",
)
_PLANS = ("按方案一实施", "按方案二实施", "先试行三个月", "维持现状")


def topics(world: World) -> pl.DataFrame:
    """One row per topic since the history began; the 43 communities deliberate whatever the town's size.

    ``topic_id``, number, channel bell|council, community_id, title, options, state open|decided|dropped, opened_at,
    closed_at (null while open), adopted (number of the option, null unless decided), proposer, updated_at.
    """
    ids = daily(HISTORY_START, world.today, A_DAY, world.seed, "topic")
    opened = ids // 10_000 * DAY + 9 * HOUR + (uniform(ids, world.seed, "topic hour") * 10 * HOUR).astype(np.int64)
    closed = opened + integers(ids, 5, 30, world.seed, "topic days") * DAY
    over = closed < micros(world.now)
    dropped = over & (uniform(ids, world.seed, "topic dropped") < 0.1)
    options = integers(ids, 2, len(_PLANS) + 1, world.seed, "topic options")
    best = np.array([_votes(ids, option, world.seed)[0] for option in range(1, len(_PLANS) + 1)])
    best[np.arange(1, len(_PLANS) + 1)[:, None] > options] = -1
    found = pl.DataFrame(
        {
            "topic_id": ids,
            "number": "XS330199103" + digits(ids, 9),
            "channel": chosen(CHANNELS, ids, world.seed, "topic channel", weights=(2, 1)),
            "community_id": integers(ids, 1, world.communities.height + 1, world.seed, "topic place"),
            "title": texts(_MATTERS, integers(ids, 0, len(_MATTERS), world.seed, "topic matter")),
            "options": options,
            "state": np.select([dropped, over], ["dropped", "decided"], "open"),
            "opened_at": times(opened),
            "closed_at": times(closed, over),
            "adopted": masked(pl.Series(best.argmax(axis=0) + 1), over & ~dropped),
            "proposer": strangers(ids, world.seed, "proposer")["name"],
            "updated_at": times(np.where(over, closed, opened)),
        }
    )
    return found.filter(pl.col("opened_at") < world.now)


def tallies(world: World) -> pl.DataFrame:
    """One row per topic and option, counted at the end of the vote or today: ``tally_id``, number, option, plan, votes
    (as cast), voters (different ones), names (of some who voted), updated_at."""
    found = topics(world)
    parts = []
    for option in range(1, len(_PLANS) + 1):
        here = found.filter(pl.col("options") >= option)
        ids = here["topic_id"].to_numpy()
        voters, twice = _votes(ids, option, world.seed)
        first, second = (strangers(ids * 10 + option, world.seed, who)["name"] for who in ("voter", "other voter"))
        counted = pl.min_horizontal(pl.lit(1.0), (pl.lit(world.now) - pl.col("opened_at")).dt.total_days() / 30.0)
        share = pl.when(pl.col("state") == "open").then(counted).otherwise(1.0)
        parts.append(
            here.select(
                (pl.col("topic_id") * 10 + option).alias("tally_id"),
                "number",
                pl.lit(option).alias("option"),
                pl.lit(_PLANS[option - 1]).alias("plan"),
                (share * pl.Series(voters)).floor().cast(pl.Int64).alias("voters"),
                (share * pl.Series(voters + twice)).floor().cast(pl.Int64).alias("votes"),
                (first + "," + second).alias("names"),
                pl.when(pl.col("state") == "open")
                .then(pl.lit(world.now).dt.offset_by("-1h"))
                .otherwise("updated_at")
                .alias("updated_at"),
            )
        )
    return pl.concat(parts).sort("tally_id")


def _votes(ids: np.ndarray, option: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(voters, votes that were cast a second time) of an option."""
    voters = integers(ids * 10 + option, 3, 120, seed, "voters")
    twice = np.where(uniform(ids * 10 + option, seed, "double votes") < 0.2, 1 + voters // 15, 0)
    return voters, twice
