"""Rules for the streams of a contract: how each is loaded, from which server, by which key and cursor."""

from __future__ import annotations

from typing import Any

from connectors.contract import Column, Refusal, Server, Stream, Values
from connectors.contract_check.columns import column_of
from connectors.contract_check.refused import check_refused
from connectors.contract_file import ContractFile, Place
from connectors.contract_keys import IDENTIFIER, source_misuse

LOADS = ("changes", "snapshot", "messages")

_PROPERTIES = {"load", "cursor", "server", "source", "maxDeleteShare", "expires", "standsWhile", "quietDays"}


def streams_of(
    file: ContractFile,
    system: str,
    servers: dict[str, Server],
    purposes: tuple[str, ...],
    refusals: tuple[Refusal, ...],
    isolated: bool,
) -> dict[str, Stream]:
    """The streams of the document, by name; those without a mistake alone, and none after the first mistake."""
    document = file.document
    streams: dict[str, Stream] = {}
    if not document.get("schema"):
        file.problem(("schema",), "no stream", "Add at least one schema object with its properties.")
    for index, node in enumerate(document.get("schema") or []):
        where: Place = ("schema", index)
        name = str(node.get("name", ""))
        if not IDENTIFIER.match(name):
            file.problem(where, f"{name!r} is no identifier", "Use a-z, 0-9 and _.")
        if name in streams:
            file.problem(where, f"the stream {name} stands twice", "Rename one.")
        stream = _stream(file, node, where, system, servers, purposes, refusals, isolated)
        if stream is not None:
            streams[name] = stream
    return streams


def _stream(
    file: ContractFile,
    node: dict[str, Any],
    where: Place,
    system: str,
    servers: dict[str, Server],
    purposes: tuple[str, ...],
    refusals: tuple[Refusal, ...],
    isolated: bool,
) -> Stream | None:
    custom = file.properties(node, where, _PROPERTIES)
    load = custom.get("load")
    if load not in LOADS:
        file.problem(where, f"load {load!r} is unknown", f"Add customProperties load: {' | '.join(LOADS)}.")
    server = custom.get("server") or (next(iter(servers)) if len(servers) == 1 else None)
    if server not in servers:
        file.problem(where, "the stream's server is not among servers", "Add customProperties server: NAME.")
    share = custom.get("maxDeleteShare", 0.2)
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        file.problem(where, "maxDeleteShare is no share", "Give a number between 0 and 1.")
    quiet = custom.get("quietDays")
    if quiet is not None and (isinstance(quiet, bool) or not isinstance(quiet, int) or not 1 <= quiet <= 3_650):
        file.problem(where, f"quietDays {quiet!r} is no number of days", "Give a whole number from 1 to 3650.")
    source = custom.get("source") or {}
    if not isinstance(source, dict):
        file.problem(where, "source is no mapping", "Write source: {name: value}.")
        source = {}
    if server in servers:
        for reason, remedy in source_misuse(str(servers[server].get("protocol")), source):
            file.problem(where, reason, remedy)
        if load == "snapshot" and servers[server].get("acknowledge"):
            reason = "a snapshot is read whole, but acknowledge asks for the rows that wait alone"
            file.problem(where, reason, "Use load: changes, or another server without acknowledge.")
    for name in (node.get("physicalName") or node.get("name"), *source.values()):
        if isinstance(name, str):
            check_refused(file, refusals, "object", name, where)
    columns = [
        column_of(file, item, (*where, "properties", number), purposes, refusals)
        for number, item in enumerate(node.get("properties") or [])
    ]
    for label in ("name", "physical_name"):
        values = [getattr(column, label) for column in columns]
        for twice in {value for value in values if values.count(value) > 1}:
            file.problem(where, f"the {label} {twice} stands twice", "Every column once.")
    times: dict[str, Column | None] = {}
    for role, allowed in (("cursor", {"timestamp"}), ("expires", {"timestamp", "date"})):
        named = next((column for column in columns if column.name == custom.get(role)), None)
        if custom.get(role) and (named is None or named.logical_type not in allowed):
            kinds = " or ".join(sorted(allowed))
            file.problem(where, f"{role} {custom[role]} is no {kinds} column", f"Name a property of type {kinds}.")
        elif role == "cursor" and named is not None and not named.required:
            reason = f"the cursor {named.name} may be missing"
            file.problem(where, reason, "Add required: true: what has no time of change is neither newer nor older.")
        times[role] = named
    stands = _stands_while(file, where, custom.get("standsWhile", []), columns)
    if stands and times["expires"] is None:
        file.problem(where, "standsWhile without expires: nothing of it ages", "Add expires, or take it out.")
    lookup = source.get("lookup")
    if load == "snapshot" and isinstance(lookup, dict) and "maxAgeDays" in lookup and times["cursor"] is None:
        reason = "answers of different days stand beside each other, and nothing tells which of two rows is newer"
        file.problem(where, reason, "Add a cursor, or take out source.lookup.maxAgeDays.")
    if not any(column.primary_key for column in columns):
        file.problem(where, "no primary key", "Mark it: without one a change cannot be told from a new record.")
    if file.problems:
        return None
    return Stream(
        system=system,
        name=str(node["name"]),
        physical_name=str(node.get("physicalName") or node["name"]),
        load=str(load),
        columns=tuple(columns),
        cursor=times["cursor"],
        expires=times["expires"],
        stands_while=stands,
        quiet_days=quiet,
        source=dict(source),
        server_name=str(server),
        max_delete_share=float(share),
        isolated=isolated,
        grain=str(node.get("dataGranularityDescription") or ""),
        refusals=refusals,
    )


def _stands_while(file: ContractFile, where: Place, told: Any, columns: list[Column]) -> tuple[Values, ...]:
    """Sets of values, of which a record that has one is not over, whatever its age."""
    if not isinstance(told, list) or not all(isinstance(values, dict) and values for values in told):
        file.problem(where, "standsWhile is no list of mappings", "Write standsWhile: [{column: value, other: null}].")
        return ()
    by_name = {column.name: column for column in columns}
    for name, value in (item for values in told for item in values.items()):
        column = by_name.get(name)
        if column is None:
            file.problem(where, f"standsWhile names {name}, which is no property", "Name a property of the stream.")
        elif column.codes and value is not None and value not in column.codes.values():
            file.problem(where, f"standsWhile: {name} is never {value!r}", "Use our name of one of its codes, or null.")
        elif not column.codes and value is not None and column.logical_type != "boolean":
            reason = f"standsWhile: {name} has neither codes nor true and false"
            file.problem(where, reason, "Say null, or name a column with codes.")
        elif column.logical_type == "boolean" and value is not None and not isinstance(value, bool):
            file.problem(where, f"standsWhile: {name} is never {value!r}", "Say true, false or null.")
    return tuple(dict(values) for values in told)
