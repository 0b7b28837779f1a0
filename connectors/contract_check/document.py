"""Rules for a contract as a whole: owner, legal basis, purposes, how fresh it must be and how long it is kept."""

from __future__ import annotations

from typing import Any

from connectors.contract import UNIT_SECONDS, Contract
from connectors.contract_check.refused import refusals_of
from connectors.contract_check.servers import servers_of
from connectors.contract_check.streams import streams_of
from connectors.contract_file import ContractFile
from connectors.contract_keys import IDENTIFIER, PURPOSES, texts, unread

_PROPERTIES = {"legalBasis", "purposes", "enabled", "isolated", "refused", "catalogueNumber"}
_LONGEST = 1000 * UNIT_SECONDS["year"]


def contract_of(file: ContractFile) -> Contract | None:
    """The document as a contract, or None; what is wrong is noted with the file, and the walk goes on."""
    document = file.document
    for place, reason, remedy in unread(document):
        file.problem(place, reason, remedy)
    custom = file.properties(document, (), _PROPERTIES)
    identifier = str(document.get("id", ""))
    if not IDENTIFIER.match(identifier):
        file.problem(("id",), f"{identifier!r} is no identifier", "Use a-z, 0-9 and _, at most 41 characters.")
    if not custom.get("legalBasis"):
        file.problem((), "no legal basis", "Add customProperties legalBasis: without it nothing may be taken in.")
    purposes = texts(custom.get("purposes"))
    if not purposes:
        file.problem((), "no permitted purposes", "Add customProperties purposes with at least one.")
    if unknown := [purpose for purpose in purposes if purpose not in PURPOSES]:
        file.problem((), f"unknown purposes: {', '.join(unknown)}", f"Use some of: {', '.join(PURPOSES)}.")
    for flag in ("enabled", "isolated"):
        if not isinstance(custom.get(flag, True), bool):
            file.problem((), f"{flag} is neither true nor false", "Write true or false, unquoted.")
    refusals = refusals_of(file, custom.get("refused"))
    number = custom.get("catalogueNumber")
    if number is not None and (type(number) is not int or number < 1):
        file.problem((), "catalogueNumber is no number", "Give the system's number in the catalogue, from 1.")
    slas: dict[Any, Any] = {}
    for index, item in enumerate(document.get("slaProperties") or []):
        if item.get("property") in slas:
            reason = f"the service level {item['property']} stands twice"
            file.problem(("slaProperties", index), reason, "Keep one of the two.")
        slas[item.get("property")] = item
    isolated = bool(custom.get("isolated", False))
    servers = servers_of(file)
    streams = streams_of(file, identifier, servers, purposes, refusals, isolated)
    team, description = document.get("team") or {}, document.get("description") or {}
    owner = team.get("name") if isinstance(team, dict) else None
    if not (isinstance(description, dict) and description.get("purpose")):
        reason = "says not what the data are taken in for"
        file.problem(("description",), reason, "Add description: {purpose: one sentence, limitations: another}.")
    if not owner:
        file.problem(("team",), "no owner", "Add team: {name: the owning department}.")
    seconds = {name: _duration(file, slas, name) for name in ("frequency", "latency", "retention")}
    if file.problems:
        return None
    return Contract(
        id=identifier,
        name=str(document.get("name") or identifier),
        version=str(document.get("version")),
        domain=str(document.get("domain") or ""),
        owner=str(owner),
        purpose=str(description.get("purpose") or ""),
        limitations=str(description.get("limitations") or ""),
        legal_basis=str(custom["legalBasis"]),
        purposes=purposes,
        cadence_seconds=seconds["frequency"],
        freshness_seconds=seconds["latency"],
        retention_days=seconds["retention"] // UNIT_SECONDS["day"],
        servers=servers,
        streams=streams,
        enabled=bool(custom.get("enabled", True)),
        isolated=isolated,
        refusals=refusals,
        number=number,
    )


def _duration(file: ContractFile, slas: dict[Any, Any], name: str) -> int:
    item = slas.get(name)
    if item is None:
        file.problem(("slaProperties",), f"{name} is missing", f"Add {{property: {name}, value: 1, unit: day}}.")
        return 0
    unit = UNIT_SECONDS.get(str(item.get("unit", "")).rstrip("s"))
    value = item.get("value")
    # One comparison for all: .nan is in no range, and neither .inf nor a number too long for a float is within it.
    if unit is None or not isinstance(value, int | float) or not 0 < value * unit <= _LONGEST:
        file.problem(
            ("slaProperties",),
            f"{name} is no length of time",
            f"Give a positive value, one of the units {', '.join(UNIT_SECONDS)}, and at most 1000 years.",
        )
        return 0
    return int(value * unit)
