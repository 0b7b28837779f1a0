"""Every upstream system as the town has it: one module per system, named as its contract, and nothing else here.

A module has three things:

- `STREAMS`: stream → our column names → the upstream's, in the contract's order;
- `SERVED_BY`: stream → the interface (`simulator.interfaces`) at which its server offers it;
- `view(world, *, seed) -> {stream: Served}`: what the system believes of the town at the end of `world.today`.

A new module is found by its name: no list of systems is kept anywhere.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from simulator.interfaces import Interface
from simulator.views.base import Served
from simulator.world.model import World

SYSTEMS: tuple[str, ...] = tuple(sorted(module.name for module in iter_modules(__path__)))

Kind = TypeVar("Kind", bound=Interface)
Key = tuple[str, str]
"""(system, stream)."""


def streams(system: str) -> dict[str, dict[str, str]]:
    """The streams of a system with their columns (ours → the upstream's)."""
    return import_module(f"simulator.systems.{system}").STREAMS  # type: ignore[no-any-return]


def view(system: str, world: World, *, seed: int) -> dict[str, Served]:
    """All streams of one system as it serves them at the end of `world.today`."""
    return import_module(f"simulator.systems.{system}").view(world, seed=seed)  # type: ignore[no-any-return]


def served_by(kind: type[Kind]) -> dict[Key, Kind]:
    """All streams that are offered at one kind of interface."""
    found: dict[Key, Kind] = {}
    for system in SYSTEMS:
        for stream, interface in import_module(f"simulator.systems.{system}").SERVED_BY.items():
            if isinstance(interface, kind):
                found[system, stream] = interface
    return found
