"""The answer key of the simulated town, as Parquet files that no part of the hub may read; benches and tests do.

Linkage is judged against ``who_is_who`` (which record of which system tells of which resident, enterprise,
premises or incident; written from the frames of the views), discovery and risk codes against ``premises``
with its latent hazard and what will happen there, welfare matches against ``entitlements`` and the mistakes
among ``payments``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from simulator.world import World
from simulator.world.incidents import labels

HORIZON_DAYS = 90
WHO_IS_WHO = {
    "system": pl.String,
    "stream": pl.String,
    "record_key": pl.String,
    "kind": pl.String,
    "true_id": pl.Int64,
}
_WHOLE = (
    "communities",
    "grids",
    "addresses",
    "households",
    "residents",
    "enterprises",
    "incidents",
    "inspections",
    "hazards",
    "payments",
    "entitlements",
    "min_living",
    "min_living_members",
    "disability",
    "pension",
    "children",
)


def write_truth(world: World, out_dir: Path, extra: Mapping[str, pl.DataFrame] | None = None) -> list[Path]:
    """Write one Parquet file per table into ``out_dir`` (made if missing); returns the files.

    Besides the world's own tables: ``premises`` with ``future_fire``, ``future_gas`` and
    ``future_safety_hazard`` (counts in the 90 days after today), ``report_incident`` (report_id, channel,
    incident_id, reporter), and every frame of ``extra`` under its name, e.g. ``who_is_who`` with the
    columns ``WHO_IS_WHO``. ``ValueError`` when an extra frame would replace a table of the world or
    ``who_is_who`` has other columns.
    """
    frames = {name: getattr(world, name) for name in _WHOLE}
    frames["premises"] = world.premises.join(
        labels(world.premises, world.today, HORIZON_DAYS, world.seed), on="premises_id", maintain_order="left"
    )
    frames["report_incident"] = world.reports.select("report_id", "channel", "incident_id", "reporter_resident_id")
    for name, frame in (extra or {}).items():
        if name in frames:
            raise ValueError(f"{name} is a table of the world itself: give the extra frame another name")
        if name == "who_is_who" and dict(frame.schema) != WHO_IS_WHO:
            raise ValueError(f"who_is_who must have the columns {WHO_IS_WHO}, it has {dict(frame.schema)}")
        frames[name] = frame
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    files = []
    for name, frame in frames.items():
        files.append(out_dir / f"{name}.parquet")
        frame.write_parquet(files[-1], compression="zstd", compression_level=1)
    return files
