"""The world: one frame per kind of thing, joined by whole-number ids that no upstream system knows."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from simulator.world.geography import Ground, ground

FORMAT = 1


@dataclass(frozen=True)
class World:
    """All that is true of the town at the end of ``today``. Immutable: ``advance`` returns another world.

    Times are naive local times; coordinates WGS-84 degrees; money whole fen (1/100 yuan). Columns are listed
    in the module that makes each table.
    """

    today: date
    seed: int
    scale: float
    communities: pl.DataFrame
    grids: pl.DataFrame
    addresses: pl.DataFrame
    households: pl.DataFrame
    residents: pl.DataFrame
    enterprises: pl.DataFrame
    premises: pl.DataFrame
    inspectors: pl.DataFrame
    inspections: pl.DataFrame
    hazards: pl.DataFrame
    incidents: pl.DataFrame
    reports: pl.DataFrame
    min_living: pl.DataFrame
    min_living_members: pl.DataFrame
    disability: pl.DataFrame
    pension: pl.DataFrame
    children: pl.DataFrame
    payments: pl.DataFrame
    entitlements: pl.DataFrame
    elder_sensors: pl.DataFrame
    cameras: pl.DataFrame
    taxes: pl.DataFrame

    @property
    def now(self) -> datetime:
        """The first moment after ``today``: everything before it has happened."""
        return datetime.combine(self.today + timedelta(days=1), time())

    @property
    def land(self) -> Ground:
        return ground(self.seed)

    def having(self, **changes: Any) -> World:
        return replace(self, **changes)


TABLES: tuple[str, ...] = tuple(f.name for f in fields(World) if f.name not in ("today", "seed", "scale"))


def append(table: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """``table`` with ``rows`` below, which must have its columns (in any order)."""
    return pl.concat([table, rows.select(table.columns).cast(table.schema)]) if len(rows) else table


def next_id(table: pl.DataFrame, column: str) -> int:
    highest = table[column].max()
    return 1 if highest is None else int(highest) + 1  # type: ignore[arg-type]


def save(world: World, folder: Path) -> None:
    """Write the world as Parquet files and ``world.json`` into ``folder`` (made if missing)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        getattr(world, name).write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    facts = {"format": FORMAT, "today": world.today.isoformat(), "seed": world.seed, "scale": world.scale}
    # the facts come last, under their final name at once: a folder with world.json is complete
    draft = folder / "world.json.tmp"
    draft.write_text(json.dumps(facts), encoding="utf-8")
    draft.replace(folder / "world.json")


def load(folder: Path) -> World:
    """Read what ``save`` wrote; ``FileNotFoundError`` or ``ValueError`` with the remedy if it cannot."""
    folder = Path(folder)
    path = folder / "world.json"
    if not path.exists():
        raise FileNotFoundError(f"no simulated town in {folder}: make one with `townhub simulate serve`")
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts.get("format") != FORMAT:
        raise ValueError(f"the town in {folder} was made by another version: delete the folder and start afresh")
    frames = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
    return World(date.fromisoformat(facts["today"]), facts["seed"], facts["scale"], **frames)
