""" "What do you hold on me": everything that the hub holds of one resident, with where it is from and what it serves.

Made for the answer to a person's own request (PIPL 45), by a named officer: values are whole. Records that resolution
linked to the person are theirs; rows that merely carry their identity number stand apart, because nothing else in the
hub joins them to a person, and an officer looks whether the number was written by mistake. Isolated data is not
reached from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from connectors.contract import Contract, Stream
from quality import source_rows
from quality.families import FAMILIES
from quality.source_rows import SourceRow
from warehouse import published

Document = dict[str, Any]
NUMBER = "cn.resident_id"
ANOTHER = "another resident''s"  # inside an SQL literal
PERSONS = (NUMBER, "cn.person_name")
ISOLATED = "isolated: see its own procedure; nothing of it is joined to a person, and this export does not reach it"


class NoSuchSubject(LookupError):
    """The key is nobody's; the message says what to do."""


def export(conn: psycopg.Connection, contracts: Mapping[str, Contract], key: str) -> Document:
    """Everything held of a resident, as a document for JSON (role auditor, one snapshot: REPEATABLE READ).

    Raises NoSuchSubject for a key that was never given, is another kind's, was merged or retired.
    """
    keys = _subject(conn, key)
    records = published.records_of(conn, key)
    held_of = {(system, stream) for system, stream, _ in records}
    linked = [
        _stream_document(conn, contracts, place, [r[2] for r in records if r[:2] == place]) for place in sorted(held_of)
    ]
    numbers, by_number = _carrying_the_number(conn, contracts, linked, set(records))
    return {
        "resident_key": key,
        "earlier_keys": keys[1:],
        "records": linked,
        "rows_that_carry_the_identity_number": by_number,
        "identity_numbers_looked_for": len(numbers),
        "made_of_them_in_core": _derived(conn, keys),
        "released": _released(conn, keys),
        "identity": _identity(conn, keys, records),
        "held_in_quarantine": _held(conn, records, numbers),
        "fields_that_no_contract_describes": _additions(conn, records),
        "correction_tickets": _tickets(conn, records),
        "isolated": [
            {"system": c.id, "name": c.name, "owner": c.owner, "legal_basis": c.legal_basis, "told": ISOLATED}
            for c in contracts.values()
            if c.isolated
        ],
    }


def counts(document: Document) -> dict[str, int]:
    """What was exported, in numbers: for the officer and for the audit chain."""
    return {
        "records": sum(len({row["record_key"] for row in each["rows"]}) for each in document["records"]),
        "versions": sum(len(each["rows"]) for each in document["records"]),
        "rows_by_number": sum(len(each["rows"]) for each in document["rows_that_carry_the_identity_number"]),
        "released_rows": sum(len(each["rows"]) for each in document["released"]),
        "held_rows": len(document["held_in_quarantine"]),
        "tickets": len(document["correction_tickets"]),
    }


def _subject(conn: psycopg.Connection, key: str) -> list[str]:
    """Every key that ever stood for the resident, this one first."""
    now, same = published.aliases(conn, key)
    if not same:
        raise NoSuchSubject(
            "there is no such key. Find it with `townhub resolve one --id-no NUMBER`, or --name with --birth or --phone"
        )
    if now is None:
        raise NoSuchSubject("this key was retired: it stands for nobody, and no record is held under it any more")
    if now != key:
        raise NoSuchSubject(f"this key was merged: it stands for {now} now. Ask for {now}")
    kind = conn.execute("SELECT kind FROM resolution.entity WHERE entity_key = %s", [key]).fetchone()
    if kind is None or kind[0] != "resident":
        raise NoSuchSubject("this is no resident's key: a subject export is about a person")
    return same


def _stream_document(
    conn: psycopg.Connection, contracts: Mapping[str, Contract], place: tuple[str, str], keys: Iterable[str]
) -> Document:
    contract = contracts.get(place[0])
    stream = contract.streams.get(place[1]) if contract else None
    if contract is None or stream is None:
        wanted = list(keys)
        return {"system": place[0], "stream": place[1], "rows": [], "told":
                f"{len(wanted)} records, which no contract describes any more: mend or bring back the contract of "
                f"{place[0]} and export again"}  # fmt: skip
    return _described(contract, stream, source_rows.by_record(conn, stream, keys))


def _described(contract: Contract, stream: Stream, rows: Iterable[SourceRow]) -> Document:
    """The rows of a stream with where they are from and what they may serve."""
    return {
        "system": contract.id,
        "name": contract.name,
        "stream": stream.name,
        "owner": contract.owner,
        "legal_basis": contract.legal_basis,
        "purpose": contract.purpose,
        "limitations": contract.limitations,
        "purposes": list(contract.purposes),
        "retention_days": contract.retention_days,
        "columns": {
            column.name: {
                "classification": column.classification,
                "sensitive": column.sensitive,
                "purposes": list(contract.purposes_of(column)),
                "as_the_source_calls_it": column.physical_name,
            }
            for column in stream.columns
        },
        "rows": [
            {"record_key": row.record_key, "state": row.state, "load": row.from_load, "landed": row.landed_at,
             "closed_by_load": row.to_load, "closed": row.closed_at, "values": row.values}
            for row in rows
        ],
    }  # fmt: skip


def _carrying_the_number(
    conn: psycopg.Connection,
    contracts: Mapping[str, Contract],
    linked: Iterable[Document],
    known: set[tuple[str, str, str]],
) -> tuple[list[str], list[Document]]:
    """The person's identity number, and the rows outside their records that carry it in any column of that meaning.

    Records that state different numbers leave it open which is the person's: then none is looked for.
    """
    numbers = {
        str(row["values"]["resident_id"])
        for each in linked
        for row in each["rows"]
        if row["state"] == "current" and row["values"].get("resident_id")
    }
    if len(numbers) != 1:
        return [], []
    (number,) = numbers
    found = []
    for contract in contracts.values():
        for stream in contract.streams.values():
            rows: list[SourceRow] = []
            for column in stream.columns:
                if column.semantic_type == NUMBER:
                    rows += source_rows.by_columns(conn, stream, {column.name: number})
            rows = [row for row in rows if (row.system, row.stream, row.record_key) not in known]
            if rows:
                found.append(_described(contract, stream, rows))
                found += _hanging_on(conn, contract, stream, rows)
    return [number], found


def _hanging_on(
    conn: psycopg.Connection, contract: Contract, parent: Stream, rows: Iterable[SourceRow]
) -> list[Document]:
    """What the same system holds of these records in streams that name nobody themselves, as readings of a device."""
    key = [column.name for column in parent.primary_key]
    found = []
    for stream in contract.streams.values():
        names = {column.name for column in stream.columns}
        persons = any(column.semantic_type in PERSONS for column in stream.columns)
        if stream.name == parent.name or persons or not names.issuperset(key):
            continue
        keys = {tuple(str(row.values[name]) for name in key) for row in rows}
        hanging = [
            row
            for each in sorted(keys)
            for row in source_rows.by_columns(conn, stream, dict(zip(key, each, strict=True)))
        ]
        if hanging:
            found.append(_described(contract, stream, hanging))
    return found


def _derived(conn: psycopg.Connection, keys: list[str]) -> list[Document]:
    """What the models of core made of the records: golden values and facts that name the resident."""
    tables = conn.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'core'::regnamespace AND c.relkind = 'r' AND a.attname = 'resident_key'"
        " AND NOT a.attisdropped ORDER BY 1"
    ).fetchall()
    found = []
    for (table,) in tables:
        query = sql.SQL("SELECT to_jsonb(t) FROM {} t WHERE resident_key = ANY (%s)").format(
            sql.Identifier("core", table)
        )
        rows = [row[0] for row in conn.execute(query, [keys]).fetchall()]
        if rows:
            found.append({"table": f"core.{table}", "rows": rows})
    return found


def _released(conn: psycopg.Connection, keys: list[str]) -> list[Document]:
    """Every released version of every row that names the resident, in every product."""
    found = []
    for family in FAMILIES.values():
        for product in family.products:
            versions = [
                version
                for column in product.identity_columns
                for key in keys
                for version in published.released(conn, product.name, {column: key})
            ]
            if not versions:
                continue
            releases = [each for v in versions for each in (v.from_release, v.to_release) if each is not None]
            at = published.published_at(conn, releases)
            found.append({
                "product": product.name, "purpose": product.purpose, "owner": product.owner,
                "shown_to": list(product.audience),
                "rows": [
                    {"row": v.row, "from_release": v.from_release, "published": at[v.from_release],
                     "to_release": v.to_release, "until": None if v.to_release is None else at[v.to_release]}
                    for v in versions
                ],
            })  # fmt: skip
    return found


def _identity(conn: psycopg.Connection, keys: list[str], records: list[tuple[str, str, str]]) -> Document:
    """How records came to be this person: links with their reasons, what became of the keys, what stewards decided.

    Of another person that a link, an event or a decision was about, neither key nor record is told.
    """
    named = _columns(records) | {"keys": keys}
    mine = "(SELECT * FROM unnest(%(systems)s::text[], %(streams)s::text[], %(records)s::text[]))"
    queries = {
        "links": "SELECT m.system, m.stream, m.record_key, m.link_kind, m.reason, opened.finished_at AS since,"
        f" closed.finished_at AS until, {_own_key('m.entity_key')} AS resident_key FROM resolution.membership m"
        " LEFT JOIN resolution.run opened ON opened.run_id = m.from_run"
        " LEFT JOIN resolution.run closed ON closed.run_id = m.to_run WHERE m.kind = 'resident'"
        f" AND (m.system, m.stream, m.record_key) IN {mine} ORDER BY 1, 2, 3, m.from_run",
        "history": f"SELECT at, type, {_own_key('from_key')} AS from_key, {_own_key('to_key')} AS to_key"
        " FROM resolution.event WHERE from_key = ANY (%(keys)s) OR to_key = ANY (%(keys)s) ORDER BY event_id",
        "decisions": "SELECT verdict, decided_by, decided_at, reason, revoked_at, revoked_by, revoked_reason,"
        f" {_own_record('a', mine)} AS a, {_own_record('b', mine)} AS b"
        " FROM resolution.decision WHERE kind = 'resident' AND ("
        f"(a_system, a_stream, a_record_key) IN {mine} OR (b_system, b_stream, b_record_key) IN {mine})"
        " ORDER BY decision_id",
        "reviews": "SELECT v.reason, v.state, v.created_at, v.outcome, v.decided_by, v.decided_at, v.outcome_reason"
        " FROM resolution.review v WHERE v.kind = 'resident' AND EXISTS ("
        f"SELECT FROM jsonb_array_elements(coalesce(v.pair, jsonb_build_array(v.record))) AS r"
        f" WHERE (r ->> 'system', r ->> 'stream', r ->> 'record_key') IN {mine}) ORDER BY v.review_id",
    }
    return {name: _ask(conn, query, named) for name, query in queries.items()}


def _own_key(column: str) -> str:
    return f"CASE WHEN {column} = ANY (%(keys)s) THEN {column} WHEN {column} IS NOT NULL THEN '{ANOTHER}' END"


def _own_record(side: str, mine: str) -> str:
    record = f"{side}_system, {side}_stream, {side}_record_key"
    return (
        f"CASE WHEN ({record}) IN {mine} THEN concat_ws('/', {record})"
        f" ELSE concat_ws('/', {side}_system, {side}_stream, '{ANOTHER}') END"
    )


def _held(conn: psycopg.Connection, records: list[tuple[str, str, str]], numbers: list[str]) -> list[Document]:
    """Rows that were refused and name one of the records, or carry the person's number, as they were received."""
    return _ask(
        conn,
        "SELECT q.* FROM quarantine.row_of_register q WHERE (q.system, q.stream, q.record_key) IN"
        " (SELECT * FROM unnest(%(systems)s::text[], %(streams)s::text[], %(records)s::text[]))"
        " OR EXISTS (SELECT FROM unnest(%(numbers)s::text[]) AS n WHERE strpos(q.payload_text, n) > 0)"
        " ORDER BY q.quarantine_id",
        _columns(records) | {"numbers": numbers},
    )


def _additions(conn: psycopg.Connection, records: list[tuple[str, str, str]]) -> list[Document]:
    return _ask(
        conn,
        "SELECT a.* FROM quarantine.addition_of_register a WHERE (a.system, a.stream, a.record_key) IN"
        " (SELECT * FROM unnest(%(systems)s::text[], %(streams)s::text[], %(records)s::text[])) ORDER BY 1, 2, 3",
        _columns(records),
    )


def _tickets(conn: psycopg.Connection, records: list[tuple[str, str, str]]) -> list[Document]:
    return _ask(
        conn,
        "SELECT c.correction_id, c.system, c.stream, c.record_key, c.field, c.claim, c.owner, c.due_on, c.opened_by,"
        " c.opened_at, (SELECT jsonb_agg(jsonb_build_object('state', s.state, 'outcome', s.outcome, 'note', s.note,"
        " 'by', s.by, 'at', s.at) ORDER BY s.step_id) FROM control.correction_step s"
        " WHERE s.correction_id = c.correction_id) AS history FROM control.correction c"
        " WHERE (c.system, c.stream, c.record_key) IN"
        " (SELECT * FROM unnest(%(systems)s::text[], %(streams)s::text[], %(records)s::text[])) ORDER BY 1",
        _columns(records),
    )


def _columns(records: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {name: [record[at] for record in records] for at, name in enumerate(("systems", "streams", "records"))}


def _ask(conn: psycopg.Connection, query: str, named: Mapping[str, Any]) -> list[Document]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), named).fetchall()
