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

    Times are naive local times; coordinates WGS-84 degrees; money whole fen (1/100 yuan), but ``income_per_capita``
    and ``POVERTY_LINE`` yuan a month. Every table has its whole-number key, and ``updated_at``, the time of the last
    true change (``entitlements`` excepted, which is worked out afresh every day):

    - communities: code (12 digits), name, polygon (WKT) · grids: code (15), community_id, name, polygon, lon, lat
    - addresses: code, community_id, grid_id, kind residential|shop|office|factory|site, estate, road, lane, number,
      building, unit, room, full_text (canonical), lon, lat
    - households: hukou_no, head_resident_id, kind hukou|migrant, income_per_capita, address_id (where registered)
    - residents: name, sex male|female, birth_date (as in the number), stated_birth_date (the solar date that those
      with a lunar one in their number state; else null), id_no, has_legacy_15, ethnic (GB/T 3304), household_id,
      relation (GB/T 4761, two digits), registered, migrant, origin_division, phone, former_phone, address_id (where
      they live), former_address_id, moved_in, moved_out, death_date, death_registered_on (null until it is)
    - enterprises: credit_code, legacy_tax_no, name, short_name, kind firm|self_employed, industry (GB/T 4754 letter),
      legal_rep_resident_id (null: from elsewhere), legal_rep_name, legal_rep_id_no, address_id, phone, employees,
      registered_on, status open|revoked|cancelled, closed_on
    - premises: code, name, category, enterprise_id, address_id, lon, lat, grid_id, opened_on, closed_on, coded,
      true_hazard (0–1) · inspectors: name, grid_id
    - inspections: premises_id, inspector_id, inspected_at, kind routine|drill|re-inspection, result pass|hazard|fail,
      next_due · hazards: inspection_id, premises_id, type, severity general|serious|major, found_at, due_on,
      fixed_at, reinspected_by, checker_id (who will look at it again)
    - incidents: kind, occurred_at, address_id, lon, lat, grid_id, premises_id, reporter_resident_id, text
    - reports: incident_id, channel, reported_at, reporter_resident_id, caller_phone, text, status
      (``progress.STATUSES``), received_at, assigned_at, handled_at, closed_at, feedback_at
    - min_living: family_no, household_id, category dibao|dibian|tekun, approved_amount (a month), valid_from,
      valid_to, income_per_capita (as noted) · min_living_members: family_no, resident_id, relation
    - disability: resident_id, certificate_no, class, level, issued_on, valid_to, status valid|expired|cancelled
    - pension: resident_id, retired_on, employer, status active|moved|dead, cut_off_on
    - children: resident_id, category orphan|unraised|in_need, guardian_resident_id, valid_from
    - payments: policy (``payments.POLICIES``), resident_id, period, amount, account_no, state pending|paid|returned,
      ordered_on, paid_at, truth_error dead_payee|duplicate|ineligible|null (known to nobody)
    - entitlements: policy, resident_id, period, eligible, reason
    - elder_sensors: device_id (IMEI), resident_id, address_id, installed_on, battery (%), state
      ok|low_battery|silent · cameras: device_id (GB/T 28181), name, lon, lat, grid_id, status online|offline|removed
    - taxes: enterprise_id, tax_kind, period, amount, paid_on
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
