"""Every upstream system's own view of the town: one module per system, named as its contract.

A module has `STREAMS` (stream → our column names → the upstream's) and `view(world, *, seed) -> {stream: Served}`.
"""

from __future__ import annotations

from importlib import import_module

from simulator.views.base import Served
from simulator.world.model import World

SYSTEMS: tuple[str, ...] = (
    "police_110",
    "fire_119",
    "health_code",
    "video_index",
    "four_platform",
    "snapshot_report",
    "safety_inspection",
    "welfare_payment",
    "elder_door_sensor",
    "migrant_registry",
    "household_registry",
    "market_registration",
    "tax_registry",
    "minimum_living",
    "disability_certificate",
    "pension",
    "death_register",
    "standard_address",
)


def streams(system: str) -> dict[str, dict[str, str]]:
    """The streams of a system with their columns (ours → the upstream's)."""
    return import_module(f"simulator.views.{system}").STREAMS  # type: ignore[no-any-return]


def view(system: str, world: World, *, seed: int) -> dict[str, Served]:
    """All streams of one system as it serves them at the end of `world.today`."""
    return import_module(f"simulator.views.{system}").view(world, seed=seed)  # type: ignore[no-any-return]
