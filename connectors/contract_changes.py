"""What a change of a contract takes away from those who use its data: nothing that only adds is listed.

Two contracts in, changes out; what is landed instead of an older contract is looked at by `connectors.landed_state`,
and who is hit by a change is another question (`orchestration.consumers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from connectors.contract import Column, Contract, Stream
from connectors.contract_file import ContractFile

Effect = Literal["gone", "rows", "values", "unlawful"]
"""What it does to a reader: what it reads is not there any more; rows or keys change under it; values do; a purpose
that it has is not permitted any more."""


@dataclass(frozen=True)
class Change:
    """One thing taken away. `stream` and `column` are None where all of them are meant.

    `purposes` are those that are not permitted any more.
    """

    system: str
    stream: str | None
    column: str | None
    effect: Effect
    reason: str
    purposes: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return ".".join(part for part in (self.system, self.stream, self.column) if part)


def changes(old: Contract, new: Contract | None) -> Iterator[Change]:
    """What `new` takes away that `old` gave; `new` is None when the contract itself is gone."""
    if new is None:
        yield Change(old.id, None, None, "gone", "the contract is gone")
        return
    if old.enabled and not new.enabled:
        yield Change(old.id, None, None, "rows", "disabled: nothing new comes in, and what rests on it becomes unknown")
    if new.isolated and not old.isolated:
        yield Change(old.id, None, None, "gone", "isolated: no model may read it any more")
    lost = _lost(old.purposes, new.purposes)
    if lost:
        yield Change(old.id, None, None, "unlawful", _unlawful(lost, new.purposes), lost)
    for name, stream in old.streams.items():
        if name in new.streams:
            yield from _of_stream(old, stream, new, new.streams[name])
        else:
            yield Change(old.id, name, None, "gone", "the stream is gone")


def _of_stream(old: Contract, before: Stream, new: Contract, after: Stream) -> Iterator[Change]:
    keys = [[column.name for column in stream.primary_key] for stream in (before, after)]
    if keys[0] != keys[1]:
        reason = f"the key is {', '.join(keys[1])} and no longer {', '.join(keys[0])}: every record becomes another"
        yield Change(before.system, before.name, None, "rows", reason)
    # Without a column to age by, only replaced versions go, which no model reads (`connectors.retention`).
    if after.expires is not None and (before.expires is None or new.retention_days < old.retention_days):
        reason = f"records older than {new.retention_days} days by {after.expires.name} go from now on"
        yield Change(before.system, before.name, None, "rows", reason)
    elif after.expires is not None and any(values not in after.stands_while for values in before.stands_while):
        reason = "what stands whatever its age is another: records that stood until now may go"
        yield Change(before.system, before.name, None, "rows", reason)
    yield from _of_reading(old, before, new, after)
    if before.load != after.load:
        reason = f"loaded as {after.load} and no longer as {before.load}: what vanishes at the source is told otherwise"
        yield Change(before.system, before.name, None, "rows", reason)
    ours = {column.name: column for column in after.columns}
    for column in before.columns:
        if column.name in ours:
            yield from _of_column(before, column, ours[column.name])
            permitted = new.purposes_of(ours[column.name])
            lost = _lost(old.purposes_of(column), permitted)
            # What the whole contract may not serve any more was said once.
            lost = tuple(purpose for purpose in lost if purpose in new.purposes or purpose not in old.purposes)
            if lost:
                told = _unlawful(lost, permitted)
                yield Change(before.system, before.name, column.name, "unlawful", told, lost)
        else:
            renamed = next((c.name for c in after.columns if c.physical_name == column.physical_name), None)
            reason = f"renamed to {renamed}" if renamed else "the column is gone"
            yield Change(before.system, before.name, column.name, "gone", reason)


def _of_reading(old: Contract, before: Stream, new: Contract, after: Stream) -> Iterator[Change]:
    """What is read at the source, and by what clock and map: all of the stream is read again."""
    was, now = old.servers.get(before.server_name), new.servers.get(after.server_name)
    if was is not None and now is not None:
        for label, said in (
            ("encoding", (was.encoding, now.encoding)),
            ("coordinate system", (was.crs, now.crs) if after.has_places else ("", "")),
            ("time zone", (was.timezone.key, now.timezone.key) if after.has_times else ("", "")),
        ):
            if said[0] != said[1]:
                reason = f"the {label} is {said[1]} and no longer {said[0]}: its values mean something else"
                yield Change(before.system, before.name, None, "values", reason)
    old_source, new_source = before.asked_for, after.asked_for
    other = sorted(name for name in {*old_source, *new_source} if old_source.get(name) != new_source.get(name))
    other += ["physicalName"] if before.physical_name != after.physical_name else []
    if other:
        yield Change(before.system, before.name, None, "rows", f"read otherwise at the source: {', '.join(other)}")
    cursors = [stream.cursor.name if stream.cursor else "arrival" for stream in (before, after)]
    if cursors[0] != cursors[1]:
        reason = f"ordered by {cursors[1]} and no longer by {cursors[0]}: another version may be current"
        yield Change(before.system, before.name, None, "rows", reason)


def _of_column(stream: Stream, before: Column, after: Column) -> Iterator[Change]:
    if before.postgres_type != after.postgres_type:
        reason = f"{after.postgres_type} and no longer {before.postgres_type}: a landed column keeps its type"
        yield Change(stream.system, stream.name, before.name, "gone", f"{reason}; give it a new name")
    for label, old, new in (
        ("standard", before.semantic_type, after.semantic_type),
        ("unit", before.unit, after.unit),
    ):
        if old != new:
            reason = f"the {label} is {new or 'none'} and no longer {old or 'none'}: its values mean something else"
            yield Change(stream.system, stream.name, before.name, "values", reason)
    if after.required and not before.required and not after.primary_key:
        yield Change(stream.system, stream.name, before.name, "rows", "required now: rows without it are quarantined")
    floor, ceiling = float("-inf"), float("inf")
    (low, high), (least, most) = [
        (floor if bounds[0] is None else bounds[0], ceiling if bounds[1] is None else bounds[1])
        for bounds in (before.bounds, after.bounds)
    ]
    if least > low or most < high:
        reason = f"only values from {least:g} to {most:g} are good now"
        yield Change(stream.system, stream.name, before.name, "values", reason)
    if after.codes and not before.codes:
        yield Change(stream.system, stream.name, before.name, "values", "only the listed codes are values now")
    lost = sorted(set((before.codes or {}).values()) - set((after.codes or {}).values())) if after.codes else []
    unknown = sorted(set(before.codes or {}) - set(after.codes or {})) if after.codes else []
    if lost or unknown:
        listed = ", ".join(lost or unknown)
        yield Change(stream.system, stream.name, before.name, "values", f"codes that will not come any more: {listed}")


def _lost(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """Purposes that were permitted and are not any more."""
    return () if "any" in new else tuple(purpose for purpose in old if purpose not in new)


def _unlawful(lost: tuple[str, ...], permitted: tuple[str, ...]) -> str:
    return f"may not serve {', '.join(lost)} any more; permitted: {', '.join(permitted)}"


def line_of(path: Path, change: Change) -> int:
    """The line of the contract file at which the change is best shown: the column, its stream, or the first."""
    file = ContractFile(path)
    place: tuple[Any, ...] = ()
    for index, stream in enumerate(_named(file.document.get("schema"))):
        if stream.get("name") == change.stream:
            place = ("schema", index)
            for number, column in enumerate(_named(stream.get("properties"))):
                if column.get("name") == change.column:
                    place = (*place, "properties", number)
    return file.line(place)


def _named(items: Any) -> list[dict[str, Any]]:
    return [item if isinstance(item, dict) else {} for item in items] if isinstance(items, list) else []
