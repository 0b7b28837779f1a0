"""Asset keys, groups, owners and pools: every name of the Dagster side in one place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from connectors.standards.pinyin import reading

if TYPE_CHECKING:
    from connectors.contract import Contract, Stream
    from connectors.contract_folder import Broken

INTAKE, BUILD, PUBLISH, EVERYTHING, RETENTION = "intake", "build", "publish", "everything", "retention"
PICTURES = "pictures"

RUN_KEY_TAG = "townhub/run_key"
"""Groups the runs of one pass of `townhub run`."""
ANEW_TAG = "townhub/link_anew"
"""On a build that links all records anew, not only those that are new or changed."""

_HAN = re.compile("[\u3400-\U0003ffff]")

Key = tuple[str, ...]


def landing(stream: Stream) -> Key:
    return ("landing", stream.system, stream.name)


def resolved(kind: str) -> Key:
    return ("resolution", kind)


def candidate(family: str) -> Key:
    return ("gate", family)


def release(family: str) -> Key:
    return ("serving", family)


def picture(page: str) -> Key:
    return ("pictures", page)


def intake_pool(system: str) -> str:
    return f"upstream_{system}"


def release_pool(family: str) -> str:
    return f"release_{family}"


def team(owner: str) -> str:
    """A Dagster team for an owner with a Chinese name: teams must be ASCII, so pinyin stands for it.

    An owner that pinyin cannot spell gets a stable digest.
    """
    if not owner.isascii():
        owner = _HAN.sub(lambda one: f"_{reading(one[0])}_", owner)
    safe = re.sub(r"[^a-z0-9]+", "_", owner.lower()).strip("_")
    return "team:" + (safe or "owner_" + hashlib.sha256(owner.encode()).hexdigest()[:8])


def tag(text: str) -> str:
    """A text as a Dagster tag value (letters, digits, `-_.`, at most 63)."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-")[:63]


def selected_streams(
    contracts: dict[str, Contract], wanted: list[str] | None, broken: Iterable[Broken] = ()
) -> list[Stream]:
    """The enabled streams that `system` or `system.stream` patterns name; all of them for None or [].

    Raises ValueError naming what is unknown and what there is, and the mistakes of a named system's broken contract.
    """
    from connectors.contract_folder import mistakes

    enabled = [stream for contract in contracts.values() if contract.enabled for stream in contract.streams.values()]
    if not wanted:
        return enabled
    chosen = []
    refused = list(broken)
    for name in wanted:
        if told := mistakes(system := name.split(".")[0], refused):
            raise ValueError(f"--select {name}: the contract of {system} is refused:\n{told}")
        found = [stream for stream in enabled if name in (stream.system, f"{stream.system}.{stream.name}")]
        if not found:
            switched_off = name.split(".")[0] in contracts and not contracts[name.split(".")[0]].enabled
            why = "is disabled by its contract" if switched_off else "is not a system or system.stream"
            raise ValueError(f"--select {name}: {why}; `townhub systems list` shows what there is")
        chosen += [stream for stream in found if stream not in chosen]
    return chosen
