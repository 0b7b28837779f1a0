"""One record or one person, looked up at once: indexed paths, no model and no Splink.

A record that resolution knows is a look-up in the ledger. A person whose record is not taken in is held against the
golden values of core.dim_resident, by the rules that decide without weights: the identity number; telephone and name;
name and birth date. It is as fresh as the last build, and decides nothing: only a run of resolution writes the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import dict_row

from connectors.standards import person_name, phone, resident_id
from resolution.errors import IdentityError

LIMIT = 50


@dataclass(frozen=True)
class Person:
    """What is known of somebody; at least the identity number, or a name with a birth date or a telephone."""

    id_no: str | None = None
    name: str | None = None
    birth_date: date | None = None
    phone: str | None = None


@dataclass(frozen=True)
class Match:
    """An entity that may be meant. `decides`: the evidence is enough for one; `reason` names fields, never values."""

    entity_key: str
    reason: str
    decides: bool


@dataclass(frozen=True)
class Answer:
    """`entity_key` is the one entity that is meant, None when none or several could be; `matches` are all of these."""

    entity_key: str | None
    reason: str
    matches: list[Match]


def by_record(
    conn: psycopg.Connection, system: str, record_key: str, stream: str | None = None
) -> list[dict[str, Any]]:
    """kind, stream, entity_key, link_kind, reason of a record that resolution knows, one row per kind and stream."""
    with conn.cursor(row_factory=dict_row) as cursor:
        # The ledger's index begins with kind and stream: named, they make this one probe each.
        return cursor.execute(
            """SELECT m.kind, m.stream, m.entity_key, m.link_kind, m.reason
                 FROM unnest(ARRAY['resident', 'enterprise', 'premises', 'event']) AS k(kind)
                CROSS JOIN (SELECT stream FROM control.stream WHERE system = %(system)s
                            UNION SELECT %(stream)s::text WHERE %(stream)s::text IS NOT NULL) AS s
                 JOIN resolution.membership m ON m.kind = k.kind AND m.system = %(system)s AND m.stream = s.stream
                  AND m.record_key = %(record_key)s AND m.to_run IS NULL
                WHERE %(stream)s::text IS NULL OR s.stream = %(stream)s
                ORDER BY m.kind, m.stream""",
            {"system": system, "stream": stream, "record_key": record_key},
        ).fetchall()


def find(conn: psycopg.Connection, person: Person) -> Answer:
    """Who is meant. Raises IdentityError when what is known could be anybody."""
    person = normalised(person)
    if person.id_no is None and (person.name is None or (person.birth_date is None and person.phone is None)):
        raise IdentityError(
            "that could be anybody: give a valid --id-no, or --name with --birth or --phone (a telephone alone is "
            "no identity, and names repeat)"
        )
    matches = _matches(conn, person)
    deciding = {match.entity_key for match in matches if match.decides}
    strongest = [match for match in matches if match.decides and match.reason.startswith("identity number")]
    if strongest:
        deciding = {match.entity_key for match in strongest}
    if len(deciding) == 1:
        (key,) = deciding
        return Answer(key, next(match.reason for match in matches if match.entity_key == key), matches)
    why = "several could be meant" if matches else "nobody of these values is known as of the last build"
    return Answer(None, why, matches)


def normalised(person: Person) -> Person:
    """The values as the hub stores them; an identity number that is not valid is none."""
    number = _one(resident_id.normalise(pl.Series([person.id_no], dtype=pl.String)))
    if number is not None and not resident_id.is_valid(pl.Series([number]))[0]:
        number = None
    return Person(
        number,
        _one(person_name.normalise(pl.Series([person.name], dtype=pl.String))),
        person.birth_date,
        _one(phone.normalise(pl.Series([person.phone], dtype=pl.String))),
    )


def _matches(conn: psycopg.Connection, person: Person) -> list[Match]:
    row = conn.execute("SELECT to_regclass('core.dim_resident') IS NULL").fetchone()
    if row is not None and row[0]:
        raise IdentityError("nobody is known yet: build first with `townhub run`")
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """SELECT CASE e.status WHEN 'active' THEN e.entity_key ELSE e.resolves_to END AS entity_key,
                      r.resident_id, r.name, r.birth_date, r.phone
                 FROM core.dim_resident r JOIN resolution.entity e ON e.entity_key = r.resident_key
                WHERE r.resident_id = %(id_no)s OR (r.phone = %(phone)s AND r.name = %(name)s)
                   OR (r.name = %(name)s AND r.birth_date = %(birth_date)s)
                ORDER BY 1 LIMIT %(limit)s""",
            {**person.__dict__, "limit": LIMIT},
        ).fetchall()
    found = (_judge(person, row) for row in rows if row["entity_key"] is not None)
    return sorted(set(found), key=lambda match: (not match.decides, match.reason, match.entity_key))


def _judge(person: Person, row: dict[str, Any]) -> Match:
    key, known = row["entity_key"], Person(row["resident_id"], row["name"], row["birth_date"], row["phone"])
    names = _differ(person.name, known.name)
    births = _differ(person.birth_date, known.birth_date)
    if person.id_no is not None and person.id_no == known.id_no:
        if names and births:
            return Match(key, "identity number, but name and birth date both disagree: it may be another's", False)
        return Match(key, "identity number", True)
    if _differ(person.id_no, known.id_no):
        return Match(key, "same name, but another identity number", False)
    by_phone = person.phone is not None and person.phone == known.phone
    if by_phone:
        return Match(key, "telephone and name" + (", but another birth date" if births else ""), not births)
    born = person.birth_date
    placeholder = born is not None and (born.month, born.day) == (1, 1)
    return Match(
        key, "name and birth date" + (" (1 January stands for unknown)" if placeholder else ""), not placeholder
    )


def _differ(one: object, other: object) -> bool:
    return one is not None and other is not None and one != other


def _one(series: pl.Series) -> str | None:
    return None if series[0] is None or not str(series[0]).strip() else str(series[0])
