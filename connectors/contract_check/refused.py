"""What a contract says must never be taken in, and that none of its streams and columns takes it in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.contract import Refusal
from connectors.contract_file import ContractFile, Place


def refusals_of(file: ContractFile, listed: Any) -> tuple[Refusal, ...]:
    """What the contract says must never be taken in; see `connectors.refusals`."""
    if listed is None:
        return ()
    names = [item.get("property") for item in file.document["customProperties"]]
    place: Place = ("customProperties", names.index("refused"), "value")
    if not isinstance(listed, list) or not listed:
        file.problem(place, "refused is no list", "Write refused: [{field: their name, reason: why}].")
        return ()
    found: list[Refusal] = []
    for index, item in enumerate(listed):
        where: Place = (*place, index)
        kinds = [kind for kind in ("field", "object") if isinstance(item, dict) and item.get(kind)]
        if len(kinds) != 1 or not item.get("reason") or len(item) != 2:
            reason = f"{item!r} does not say what is refused and why"
            file.problem(where, reason, "Write {field: NAME, reason: TEXT}, or object for a table, sheet or queue.")
            continue
        refusal = Refusal(kinds[0], str(item[kinds[0]]), str(item["reason"]))
        if any(other.kind == refusal.kind and other.matches(refusal.name) for other in found):
            file.problem(where, f"{refusal.name} is refused twice", "Keep one of the two.")
        found.append(refusal)
    return tuple(found)


def check_refused(file: ContractFile, refusals: Iterable[Refusal], kind: str, name: str, where: Place) -> None:
    """A stream or a column of what must never be taken in is a mistake, however it came into the file."""
    for refusal in refusals:
        if refusal.kind == kind and refusal.matches(name):
            file.problem(where, f"{name} must never be taken in: {refusal.reason}", "Take it out of the contract.")
