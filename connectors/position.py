"""Where a pull of a stream begins, and what it has to think of what was landed before: the cursor of the ledger, read.

A cursor holds `newest` (microseconds), the protocol's own `state`, digests of how the contract was read (`shape`,
`reading`, `clock`) and of what the key was made (`key`); and for a while `afresh` and `rekey` (a backfill), `restored`
(the warehouse came from a backup) or `gap` (messages that went with the one of before).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from connectors.contract import Contract, Server, Stream
from connectors.errors import Permanent
from connectors.landed import Landed

OVERLAP = timedelta(minutes=10)
"""Changes are asked for from so long before the cursor: what tied with it, or was committed late over there, may have
come since. A record that comes twice costs a look-up and is unchanged."""

Gap = dict[str, str]
"""{"from", "to"}: times as ISO 8601."""


@dataclass(frozen=True)
class Position:
    """`afresh`: everything is asked for again. `rekey`: what is current is closed first. `reclock`: the times of change
    of before order nothing. `restored`: this is the first pull since the warehouse was restored; `gap`: the time of
    which messages are missing, while they would still be kept."""

    newest: int | None
    state: dict[str, Any]
    read_by: dict[str, Any]
    afresh: bool = False
    rekey: bool = False
    reclock: bool = False
    restored: bool = False
    gap: Gap | None = None

    @classmethod
    def read(cls, value: Mapping[str, Any], contract: Contract, stream: Stream, server: Server, today: date) -> Self:
        """From the cursor of a stream, {} before its first load. Raises `Permanent` when the key is another one."""
        key = [column.name for column in stream.primary_key]
        if value.get("key", key) != key:
            name, other = f"{stream.system}.{stream.name}", ", ".join(value["key"])
            raise Permanent(
                f"{name}: the contract's key is {', '.join(key)}, but its records were landed by {other}: each would "
                "become a second one",
                f"Restore the key, or read everything again under the new one: townhub backfill {name}",
            )
        read_by = {"shape": stream.shape, "reading": stream.reading(server), "clock": stream.clock(server)}
        changed = {name for name, digest in read_by.items() if value.get(name, digest) != digest}
        restored = value.get("restored") is not None
        # The source has noted as taken what this warehouse, new or restored from a backup, may never have seen.
        believes_us = bool(server.get("acknowledge")) and (not value or restored)
        state = dict(value.get("state") or {})
        if changed:
            # A code more, another time zone: what was taken in before is read again, or would never be like the rest.
            state = {"lasting": state["lasting"]} if "lasting" in state else {}
        return cls(
            newest=None if changed else value.get("newest"),
            state=state,
            read_by=read_by | {"key": key},
            afresh=bool(changed or value.get("afresh") or believes_us),
            rekey=bool(value.get("rekey")),
            reclock="clock" in changed,
            restored=restored,
            gap=_gap(value, contract, stream, today),
        )

    @property
    def since(self) -> datetime | None:
        """From when on changes are asked for."""
        return datetime.fromtimestamp(self.newest / 1_000_000, UTC) - OVERLAP if self.newest else None

    def after(self, landed: Landed, state: dict[str, Any]) -> dict[str, Any]:
        """The cursor with which the next pull begins: never behind this one."""
        # A fast clock over there must not move us past changes that are still to come.
        reached = min(landed.newest or 0, time.time_ns() // 1000)
        newest = max(self.newest or 0, reached) or None
        return {"newest": newest, "state": state} | self.read_by | ({"gap": self.gap} if self.gap else {})


def _gap(value: Mapping[str, Any], contract: Contract, stream: Stream, today: date) -> Gap | None:
    gap: Gap | None = value.get("restored") or value.get("gap")
    if gap is None or stream.load != "messages":
        return None
    kept = datetime.fromisoformat(gap["to"]).date() + timedelta(days=contract.retention_days)
    return gap if kept >= today else None
