"""The living town behind the servers: its world, kept on disk, and what every upstream system serves of it now."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl

from simulator import systems
from simulator.interfaces import Key
from simulator.truth import WHO_IS_WHO
from simulator.views.base import DEFECTS_SCHEMA, Served
from simulator.world import World, generate, load, save
from simulator.world.advance import advance

_ENTITIES = {
    "people": "resident",
    "enterprises": "enterprise",
    "premises": "premises",
    "incidents": "incident",
}


@dataclass(frozen=True)
class Change:
    """One stream before and after the town lived on; `before` is None when the servers start."""

    before: Served | None
    now: Served


class Town:
    """Thread-safe: servers read `served` on every request while `advance` works out the next days.

    The frames of a stream are replaced, never changed, so a server may hold one as long as it likes.
    """

    def __init__(self, folder: Path, world: World) -> None:
        self.folder = folder
        self._world = world
        self._served = _all_views(world)
        self._living = threading.Lock()

    @classmethod
    def open(cls, folder: Path, scale: float, seed: int) -> Town:
        """The town kept in `folder`, or a new one when there is none, or one of another scale or seed.

        With another town everything that the servers keep beside it in `folder` is removed.
        """
        world = _kept(folder / "world", scale, seed)
        if world is None:
            for part in ("world", "sftp"):
                shutil.rmtree(folder / part, ignore_errors=True)
            world = generate(scale, seed)
            save(world, folder / "world")
        return cls(folder, world)

    @property
    def world(self) -> World:
        return self._world

    @property
    def today(self) -> date:
        return self._world.today

    def served(self, system: str, stream: str) -> Served:
        """What the stream's upstream serves now."""
        return self._served[system, stream]

    def now(self) -> dict[Key, Change]:
        """Every stream as news: what has to be published when the servers start."""
        return {key: Change(None, served) for key, served in self._served.items()}

    def advance(self, days: int) -> dict[Key, Change]:
        """Live `days` days more, keep the world on disk, and tell which streams serve something else now.

        Streams of messages hold those of all the days that have passed.
        """
        if not 1 <= days <= 366:
            raise ValueError(f"days is {days}: a town can be advanced by 1 to 366 days at a time")
        with self._living:
            before, old = self._served, self._world
            world = advance(old, days)
            save(world, self.folder / "world")
            now = _all_views(world)
            since = datetime.combine(old.today + timedelta(days=1), time())
            until = datetime.combine(world.today + timedelta(days=1), time())
            for system in systems.SYSTEMS:
                for stream, sent in systems.messages(system, world, since, until, seed=world.seed).items():
                    now[system, stream] = sent
            self._world, self._served = world, now
            return {
                key: Change(before[key], new) for key, new in now.items() if not before[key].frame.equals(new.frame)
            }

    def answers(self) -> dict[str, pl.DataFrame]:
        """The truth about the served records: `who_is_who` and `defects` (system, stream, record_key, column, kind)."""
        who, defects = [pl.DataFrame(schema=WHO_IS_WHO)], []
        for (system, stream), served in self._served.items():
            place = {"system": pl.lit(system), "stream": pl.lit(stream)}
            defects.append(served.defects.with_columns(**place))
            for kind, frame in served.truths().items():
                ids = next(name for name in frame.columns if name != "record_key")
                rows = frame.with_columns(**place, kind=pl.lit(_ENTITIES[kind]), true_id=pl.col(ids))
                who.append(rows.select(list(WHO_IS_WHO)))
        columns = ["system", "stream", *DEFECTS_SCHEMA]
        return {"who_is_who": pl.concat(who), "defects": pl.concat(defects).select(columns)}


def _kept(folder: Path, scale: float, seed: int) -> World | None:
    try:
        world = load(folder)
    except FileNotFoundError:
        return None
    return world if (world.scale, world.seed) == (scale, seed) else None


def _all_views(world: World) -> dict[Key, Served]:
    return {
        (system, stream): served
        for system in systems.SYSTEMS
        for stream, served in systems.view(system, world, seed=world.seed).items()
    }


def changed_rows(change: Change) -> pl.DataFrame:
    """Rows of the stream that were not served just like this before."""
    if change.before is None:
        return change.now.frame
    return change.now.frame.join(
        change.before.frame, on=change.now.frame.columns, how="anti", nulls_equal=True, maintain_order="left"
    )
