"""The fields of single records as resolution reads them, for people who compare two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import psycopg

from resolution import sources, things
from resolution.decisions import Record
from resolution.source import Source

Fields = dict[str, str | None]


def source_of(kind: str, system: str, stream: str) -> Source | None:
    """Where records of an entity kind (`resident`) are read, None when that source is not read any more."""
    of_kind = (each for name, found in things.SOURCES.items() if sources.entity_kind(name) == kind for each in found)
    return next((each for each in of_kind if (each.system, each.stream) == (system, stream)), None)


def read(conn: psycopg.Connection, kind: str, records: Iterable[Record]) -> dict[Record, Fields]:
    """record → field → value as text, for those that are staged now (role builder).

    A staging view has no index on its key: a fraction of a second for the largest registers.
    """
    wanted: dict[tuple[str, str], list[str]] = {}
    for record in records:
        wanted.setdefault((record.system, record.stream), []).append(record.record_key)
    found: dict[Record, Fields] = {}
    for (system, stream), keys in wanted.items():
        source = source_of(kind, system, stream)
        if source is None:
            continue
        names = list(source.fields)
        columns = ", ".join(f"({source.fields[name]})::text" for name in names)
        key = f"({source.record_key})::text"
        query = f"SELECT {key}, {columns} FROM {source.view} WHERE {source.where} AND {key} = ANY (%s)"
        for record_key, *values in conn.execute(query.encode(), [keys]).fetchall():
            found[Record(system, stream, record_key)] = dict(zip(names, values, strict=True))
    return found


def digest(fields: Fields) -> str | None:
    """Eight hexadecimal digits that tell whether a record says something else: too few to tell of whom it speaks.

    None where nothing is known of the record.
    """
    said = json.dumps(sorted(fields.items()), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:8] if fields else None
