"""What a change of contracts breaks downstream: found by comparison, told with the line and those who are hit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.contract import Contract
from connectors.contract_changes import Change, changes, line_of
from connectors.landed_state import landed_changes
from orchestration import consumers, earlier_contracts
from orchestration.consumers import Hit


@dataclass(frozen=True)
class Warned:
    """One change that somebody downstream feels, and where it stands. `path` is None for a contract that is gone."""

    path: Path | None
    line: int
    change: Change
    hit: Hit

    def __str__(self) -> str:
        place = f"{self.path.name}:{self.line}: " if self.path else ""
        told = f". {str(self.hit)[:1].upper()}{str(self.hit)[1:]}." if str(self.hit) else ". Nothing reads it."
        return f"{place}warning: {self.change.where}: {self.change.reason}{told}"


@dataclass(frozen=True)
class Review:
    """The warnings, and what the contracts were compared with (nothing: why not)."""

    warnings: list[Warned]
    compared: str


def review(contracts: Mapping[Path, Contract], against: str | None, *, whole: bool) -> Review:
    """Compare contracts with their earlier state in a git revision or folder, or else with what is landed.

    `whole`: these are all contracts, so that one that was there earlier and is not now is gone.
    Raises CommandError for an `against` that names nothing, ManifestError when dbt cannot compile the project.
    """
    earlier: Mapping[str, Contract] = {}
    found: list[Change] = []
    compared = "not compared: the hub's server does not run; --against main compares with a git revision"
    if against is not None:
        earlier = earlier_contracts.read(against)
        found = list(_since(earlier, {c.id: c for c in contracts.values()}, whole=whole))
        compared = f"compared with {against}"
    elif (landed := _landed(contracts)) is not None:
        found, compared = landed, "compared with what is landed"
    if not found:
        return Review([], compared)
    readers = consumers.consumers([*earlier.values(), *contracts.values()], found)
    paths = {contract.id: path for path, contract in contracts.items()}
    warned = []
    for change in found:
        hit, path = readers.of(change), paths.get(change.system)
        # A landed column stays for ever: once nothing reads it, that it is not in the contract is no news.
        if against is None and change.effect == "gone" and change.column and not str(hit):
            continue
        warned.append(Warned(path, line_of(path, change) if path else 0, change, hit))
    return Review(warned, compared)


def _since(earlier: Mapping[str, Contract], now: Mapping[str, Contract], *, whole: bool) -> Iterator[Change]:
    for name, contract in earlier.items():
        if name in now or whole:
            yield from changes(contract, now.get(name))


def _landed(contracts: Mapping[Path, Contract]) -> list[Change] | None:
    """What the contracts take away from the landed state; None when no server runs (none is started for this)."""
    from warehouse import connection, server
    from warehouse.errors import WarehouseError
    from warehouse.settings import settings

    config = settings()
    if config.embedded and not server.status(config).running:
        return None
    try:
        with connection.connect("loader") as conn:
            return [change for contract in contracts.values() for change in landed_changes(conn, contract)]
    except WarehouseError:
        return None
