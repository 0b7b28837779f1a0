"""Formats: bytes or files of an upstream system → pages of columns as received, nothing interpreted."""

from __future__ import annotations

from collections.abc import Collection

from connectors.contract import Stream
from connectors.errors import ContractViolation


def require_columns(stream: Stream, columns: Collection[str]) -> None:
    """Refuse rows that lack a column of the contract; the message names what is missing and what is new.

    Absent is not null: a column that was renamed or dropped upstream must stop the stream before the warehouse.
    """
    missing = [c.physical_name for c in stream.columns if c.physical_name not in columns]
    if missing:
        known = {c.physical_name for c in stream.columns}
        new = sorted(set(columns) - known)
        seen = f" and has the new {', '.join(new[:10])}" if new else ""
        raise ContractViolation(
            f"{stream.system}.{stream.name}: the source no longer has {', '.join(missing)}{seen}",
            "Ask the owner what changed, then change physicalName in the contract or remove the column",
        )
