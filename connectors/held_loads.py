"""Loads that are held for a person: those that would take away more than their contract allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.landed import Landed

FEW_RECORDS = 25
"""A register so small may be broken by half without a collapse being meant."""


class Held(Exception):
    """A snapshot that takes away more than its contract allows: nothing of it is applied until a person lets it."""

    kind = ""

    def __init__(self, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.detail = detail


class MassDelete(Held):
    """A snapshot would close more records than its contract allows."""

    kind = "mass_delete"


class VolumeCollapse(Held):
    """Of a register that was full, a snapshot has few good rows left: the others came, but broken."""

    kind = "volume_collapse"


@dataclass(frozen=True)
class Allowed:
    """What a named person has let through: so many deletions, or a collapse that leaves so many good rows at least."""

    deletes: int = 0
    good: int | None = None


NOTHING_ALLOWED = Allowed()


def check_volume(result: Landed, known: int, limit: float, allowed: int | None) -> None:
    """Raises `VolumeCollapse` when too few rows of a snapshot are good, of a register with `known` records."""
    good, broken = result.landed + result.unchanged, result.quarantined
    if known > FEW_RECORDS and good < (1 - limit) * known and broken > limit * known:
        message = f"{broken} of {result.rows_in} rows are broken; {known} records are known"
        _let_through(result, VolumeCollapse(message, known=known, good=good, broken=broken, limit=limit), good, allowed)


def check_backfill(result: Landed, closed: int, limit: float, allowed: int | None) -> None:
    """What was current is closed: a source that does not send it again must not empty the stream unseen."""
    good, broken = result.landed + result.unchanged, result.quarantined
    if good < (1 - limit) * closed:
        message = f"read again, the source gave {good} good rows; {closed} records were current"
        _let_through(
            result, VolumeCollapse(message, known=closed, good=good, broken=broken, limit=limit), good, allowed
        )


def _let_through(result: Landed, held: VolumeCollapse, good: int, allowed: int | None) -> None:
    if allowed is None or good < allowed:
        raise held
    result.let_through.add(held.kind)


def check_deletions(result: Landed, absent: int, known: int, limit: float, allowed: int) -> None:
    """Raises `MassDelete` when a snapshot lacks more of the `known` records than may go unasked."""
    # A handful may go from a small register without anybody being asked, but never half of it.
    handful = min(5, known // 2) if limit else 0
    if absent > max(handful, limit * known):
        if absent > allowed:
            message = f"the snapshot lacks {absent} of {known} records, the contract allows {limit:.0%}"
            raise MassDelete(message, known=known, absent=absent, limit=limit)
        result.let_through.add(MassDelete.kind)
