"""Warnings of the weather office: chains of messages that raise, change, lift or let expire a warning."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, numbers, texts, times
from simulator.world.facts.draws import days_between
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

# event: the months in which it comes, its chance on a day of them, the hours that a message holds
EVENTS: dict[str, tuple[tuple[int, ...], float, int]] = {
    "typhoon": ((7, 8, 9), 0.02, 36),
    "rainstorm": ((5, 6, 7, 8, 9), 0.06, 12),
    "snowstorm": ((12, 1, 2), 0.015, 24),
    "cold_wave": ((11, 12, 1, 2, 3), 0.03, 48),
    "gale": ((1, 2, 3, 4, 10, 11, 12), 0.03, 24),
    "heat": ((6, 7, 8, 9), 0.06, 24),
    "lightning": ((4, 5, 6, 7, 8, 9), 0.05, 6),
    "fog": ((10, 11, 12, 1, 2, 3), 0.03, 12),
    "icing": ((12, 1, 2), 0.03, 24),
}
SEVERITIES = ("blue", "yellow", "orange", "red")
_STEPS = 4


def messages(world: World) -> pl.DataFrame:
    """One row per message since the history began; the weather does not shrink with the scale.

    ``message_id`` (``chain_id`` × 10 + step), step (0 the first of its chain), previous_id (null for the first), event,
    kind alert|update|cancel, severity, sent_at, expires_at (null for a cancel), exercise (no real warning).
    """
    chains = pl.concat([_chains(world, event, number) for number, event in enumerate(EVENTS)])
    parts, sent = [], numbers(chains["first_at"])
    ids, hours = chains["chain_id"].to_numpy(), chains["hours"].to_numpy()
    updates = integers(ids, 0, _STEPS - 1, world.seed, "warning updates")
    lifted = uniform(ids, world.seed, "warning lifted") < 0.6
    severity = np.searchsorted((0.45, 0.8, 0.95), uniform(ids, world.seed, "severity"), side="right")
    for step in range(_STEPS):
        cancel = lifted & (step == updates + 1)
        if step:
            wait = 0.3 + 0.6 * uniform(ids, world.seed, "warning step", step)
            sent = sent + (wait * hours * HOUR).astype(np.int64)
            severity = np.clip(severity + integers(ids, -1, 2, world.seed, "severity step", step), 0, 3)
        message = chains.select(
            pl.col("chain_id") * 10 + step,
            pl.lit(step).alias("step"),
            "event",
            "exercise",
            (pl.col("chain_id") * 10 + step - 1 if step else pl.lit(None, pl.Int64)).alias("previous_id"),
            pl.Series("kind", np.where(cancel, "cancel", "update" if step else "alert")),
            texts(SEVERITIES, severity).alias("severity"),
            times(sent).alias("sent_at"),
            times(sent + hours * HOUR, ~cancel).alias("expires_at"),
        ).rename({"chain_id": "message_id"})
        parts.append(message.filter(pl.Series(cancel | (step <= updates))))
    return pl.concat(parts).filter(pl.col("sent_at") < world.now).sort("sent_at", "message_id")


def _chains(world: World, event: str, number: int) -> pl.DataFrame:
    months, chance, hours = EVENTS[event]
    days = days_between(HISTORY_START, world.today)
    in_season = np.isin([day.month for day in pl.Series(days.astype(np.int32)).cast(pl.Date).to_list()], months)
    start = days[in_season & (uniform(days, world.seed, event) < chance)]
    chain = start * 100 + number
    first = start * DAY + (uniform(chain, world.seed, "warning hour") * DAY).astype(np.int64)
    return pl.DataFrame(
        {
            "chain_id": chain,
            "event": pl.Series([event], dtype=pl.String).new_from_index(0, len(chain)),
            "hours": np.full(len(chain), hours),
            "exercise": uniform(chain, world.seed, "exercise") < 0.04,
            "first_at": times(first),
        }
    )
