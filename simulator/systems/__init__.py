"""Every upstream system as the town has it: one module per system, named as its contract, and nothing else here.

A module has three things:

- `STREAMS`: stream → our column names → the upstream's, in the contract's order;
- `SERVED_BY`: stream → the interface (`simulator.interfaces`) at which its server offers it;
- `view(world, *, seed) -> {stream: Served}`: what the system believes of the town at the end of `world.today`.

A module whose view shows only the last day of some streams (messages that nobody keeps) has besides

- `messages(world, since, until, *, seed) -> {stream: Served}`: those streams' rows in [since, until), local time.

A new module is found by its name: no list of systems is kept anywhere.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from simulator.interfaces import Key as Key
from simulator.interfaces import Kind
from simulator.views.base import Served
from simulator.world.model import World

SYSTEMS: tuple[str, ...] = tuple(sorted(module.name for module in iter_modules(__path__)))


def streams(system: str) -> dict[str, dict[str, str]]:
    """The streams of a system with their columns (ours → the upstream's)."""
    return _module(system).STREAMS  # type: ignore[no-any-return]


def view(system: str, world: World, *, seed: int) -> dict[str, Served]:
    """All streams of one system as it serves them at the end of `world.today`."""
    return _module(system).view(world, seed=seed)  # type: ignore[no-any-return]


def messages(system: str, world: World, since: datetime, until: datetime, *, seed: int) -> dict[str, Served]:
    """The streams whose view shows the last day only, with their rows in [since, until); most systems have none."""
    of_days = getattr(_module(system), "messages", None)
    return of_days(world, since, until, seed=seed) if of_days is not None else {}


def served_by(kind: type[Kind]) -> dict[Key, Kind]:
    """All streams that are offered at one kind of interface."""
    found: dict[Key, Kind] = {}
    for system in SYSTEMS:
        for stream, interface in _module(system).SERVED_BY.items():
            if isinstance(interface, kind):
                found[system, stream] = interface
    return found


def _module(system: str) -> ModuleType:
    return import_module(f"simulator.systems.{system}")
