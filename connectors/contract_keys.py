"""Keys of a contract that the hub enforces; any other of the standard's keys would promise what nobody keeps.

The Open Data Contract Standard has many more keys than these. A rule that is written down and not applied is worse
than none, so a key is either read by the hub or refused with its place and a remedy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from connectors.contract_file import Place

PURPOSES = (
    "any", "device_directory", "elder_care", "enforcement", "enterprise_service", "epidemic_control", "event_handling",
    "housing_management", "party_service", "petition_overview", "premises_safety", "public_service",
    "resident_register", "town_overview", "traffic_management", "welfare_delivery",
)  # fmt: skip
"""What data may be used for. A purpose that no product has is a slip of the pen, and permits nothing."""

DOMAINS = (
    "control", "economy", "enforcement", "general", "geography", "party", "population", "safety", "service", "welfare",
)  # fmt: skip
"""Groups of the catalogue and of Dagster's assets."""

AMOUNT_UNITS = ("fen", "yuan", "wan_yuan")

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
"""Our own names: of systems, streams and columns."""

SERVER_OF_ALL = {"protocol", "endpoint", "timezone", "encoding", "crs", "allowedHosts"}
SERVER_KEYS = {
    "gateway": {"appKey", "appSecret", "signer"},
    "catalogue_api": {"appId", "appSecret"},
    "exchange_db": {"acknowledge"},
    "soap": {"username", "password"},
    "sftp": {"hostKey"},
    "mqtt": set[str](),
    "amqp": set[str](),
    "webhook": {"secret"},
    "gb28181": {"username", "password"},
}
SOURCE_KEYS = {
    "gateway": {"interface", "pageSize", "lookup"},
    "catalogue_api": {"interface", "pageSize"},
    "soap": {"pageSize", "record"},
    "sftp": {"format", "totalRows", "headerRows", "sheet", "openEnd", "finished"},
}
LONGEST_AGE_DAYS = 366
"""No answer stands for longer than a year: then it is a copy that nobody keeps."""
_EXCEL_ALONE = {"headerRows", "sheet"}
_ACKNOWLEDGE = {"column", "waiting", "taken"}

_ROOT = {
    "apiVersion", "kind", "id", "name", "version", "status", "domain", "description", "team", "customProperties",
    "servers", "slaProperties", "schema",
}  # fmt: skip
_SERVER = {"server", "type", "host", "customProperties"}
_STREAM = {"name", "physicalName", "dataGranularityDescription", "customProperties", "properties"}
_COLUMN = {
    "name", "physicalName", "logicalType", "primaryKey", "required", "classification", "customProperties", "tags",
    "semanticType", "description", "logicalTypeOptions", "enum",
}  # fmt: skip
_OPTIONS = {"number": {"minimum", "maximum"}, "integer": {"minimum", "maximum"}, "timestamp": {"format"}}

Found = tuple[Place, str, str]
"""Where, the reason, the remedy."""


def unread(document: dict[str, Any]) -> Iterator[Found]:
    """Every key of a document in the standard's shape that nothing of the hub would read."""
    yield from _beyond(document, (), _ROOT)
    for name, known in (("description", {"purpose", "limitations"}), ("team", {"name"})):
        yield from _beyond(document.get(name), (name,), known)
    yield from _properties(document, ())
    if document.get("status") != "active":
        yield ("status",), f"status {document.get('status')!r} has no effect", "Write active; enabled: false stops it."
    if document.get("domain") not in DOMAINS:
        reason = f"the domain {document.get('domain')!r} is unknown"
        yield ("domain",), reason, f"Use one of: {', '.join(DOMAINS)}."
    for index, item in enumerate(document.get("slaProperties") or []):
        yield from _beyond(item, ("slaProperties", index), {"property", "value", "unit"})
        if item.get("property") not in ("frequency", "latency", "retention"):
            reason = f"nothing enforces the service level {item.get('property')!r}"
            yield ("slaProperties", index), reason, "Use frequency, latency and retention."
    for index, node in enumerate(_list(document.get("servers"))):
        yield from _beyond(node, ("servers", index), _SERVER)
        yield from _properties(node, ("servers", index))
    for index, stream in enumerate(document.get("schema") or []):
        where: Place = ("schema", index)
        yield from _beyond(stream, where, _STREAM)
        yield from _properties(stream, where)
        for number, column in enumerate(stream.get("properties") or []):
            yield from _of_column(column, (*where, "properties", number))


def _of_column(column: dict[str, Any], where: Place) -> Iterator[Found]:
    yield from _beyond(column, where, _COLUMN)
    yield from _properties(column, where)
    for tag in column.get("tags") or []:
        if tag != "sensitive":
            yield (*where, "tags"), f"the tag {tag!r} has no effect", "sensitive is the one that has."
    for item in column.get("enum") or []:
        yield from _beyond(item, (*where, "enum"), {"value"})
    options, kind = column.get("logicalTypeOptions") or {}, str(column.get("logicalType"))
    yield from _beyond(options, (*where, "logicalTypeOptions"), _OPTIONS.get(kind, set()))
    if kind == "timestamp" and options.get("format", "epoch") != "epoch":
        reason = f"the time format {options['format']!r} is not enforced"
        yield where, reason, "Use epoch (milliseconds), or drop it: written times are recognised."


def server_misuse(protocol: str, properties: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(reason, remedy) for what the protocol would never look at."""
    known = SERVER_OF_ALL | SERVER_KEYS.get(protocol, set())
    for name in sorted(properties.keys() - known):
        yield f"{name} has no effect on {protocol}", f"{protocol} reads: {', '.join(sorted(known))}."
    flag = properties.get("acknowledge")
    if flag is not None and (not isinstance(flag, dict) or set(flag) != _ACKNOWLEDGE):
        yield "acknowledge does not say how rows are flagged", 'Write {column: NAME, waiting: "0", taken: "1"}.'


def source_misuse(protocol: str, source: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(reason, remedy) for what the protocol or the file format would never look at."""
    known = SOURCE_KEYS.get(protocol, set())
    for name in sorted(map(str, source.keys() - known)):
        remedy = f"Use: {', '.join(sorted(known))}." if known else "Take it out."
        yield f"source.{name} has no effect on {protocol}", remedy
    for name in sorted(source.keys() & _EXCEL_ALONE & known):
        if source.get("format") != "excel":
            yield f"source.{name} has no effect on {source.get('format')} files", "It belongs to format: excel."
    if "openEnd" in source and (source["openEnd"] is not True or source.get("format") != "csv"):
        yield "source.openEnd says nothing", "Write true for csv files whose last line has no line end, or take it out."
    if source.get("finished", "renamed") != "renamed":
        remedy = "Write renamed where the owner gives a file its name when it is whole, or take it out."
        yield f"source.finished {source['finished']!r} is unknown", remedy
    for name in sorted(source.keys() & {"pageSize", "headerRows"}):
        if type(source[name]) is not int or source[name] < 1:
            yield f"source.{name} is no count", "Give a whole number from 1."
    yield from _lookup_misuse(source.get("lookup"))


def _lookup_misuse(lookup: Any) -> Iterator[tuple[str, str]]:
    if lookup is None:
        return
    if not isinstance(lookup, dict) or set(lookup) - {"maxAgeDays"} != {"parameter", "values"}:
        yield "source.lookup is not understood", "Write {parameter: NAME, values: PATH OF A FILE, maxAgeDays: DAYS}."
        return
    days = lookup.get("maxAgeDays", 1)
    if type(days) is not int or not 1 <= days <= LONGEST_AGE_DAYS:
        reason = f"source.lookup.maxAgeDays is no number of days from 1 to {LONGEST_AGE_DAYS}"
        yield reason, "Say for how many days an answer stands, or leave it out: then every pull asks for all values."


def _properties(node: Any, where: Place) -> Iterator[Found]:
    """Custom properties hold a name and a value; whether the name is known is judged where it is read."""
    for index, item in enumerate(_list(node.get("customProperties") if isinstance(node, dict) else None)):
        yield from _beyond(item, (*where, "customProperties", index), {"property", "value"})


def _beyond(node: Any, where: Place, known: set[str]) -> Iterator[Found]:
    for key in node if isinstance(node, dict) else ():
        if key not in known:
            remedy = f"Take it out; enforced here: {', '.join(sorted(known))}." if known else "Take it out."
            yield (*where, key), f"nothing enforces {key}", remedy


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; empty where it is none."""
    listed = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return tuple(value) if listed else ()
