"""Correction tickets: what an officer holds to be wrong in a record, taken back to the owner of its source.

The hub never changes what a source said. A ticket names the record and the field, says what is claimed, and has a day
by which the owner should have answered; when the source sends another version the ticket shows it, and an officer
closes it. Claims may speak of a person: they are stored and shown to officers, and never go to logs or the audit chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

import psycopg
import yaml
from psycopg.rows import dict_row

from connectors.contract import Contract, Stream
from connectors.contract_folder import mistakes
from quality import source_rows
from quality.source_rows import SourceRow
from warehouse import audit

FILE = Path(__file__).parent / "corrections.yml"
Outcome = Literal["corrected", "refused", "withdrawn"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
STEPS = ("sent", "answered")

Row = dict[str, Any]

_TICKETS = """
SELECT c.*, s.state, s.outcome, s.since, s.state <> 'closed' AND c.due_on < %(today)s AS overdue
FROM control.correction c JOIN control.correction_status s USING (correction_id)
"""


class CorrectionError(ValueError):
    """A ticket cannot be opened or moved like this; the message says what to do."""


def term(owner: str, file: Path = FILE) -> int:
    """How many days an owner has to answer."""
    stated = yaml.safe_load(file.read_text(encoding="utf-8"))
    return int((stated.get("owners") or {}).get(owner, stated["default_days"]))


def open_ticket(
    conn: psycopg.Connection,
    contracts: Mapping[str, Contract],
    record: tuple[str, str, str],
    field: str,
    claim: str,
    *,
    by: str,
    today: date,
) -> int:
    """Open a ticket about a field of a record, (system, stream, record_key); gives its number. The caller commits.

    Raises CorrectionError for a record that is not landed now, or a field that its contract does not have.
    """
    system, name, key = record
    if not claim.strip() or not by.strip():
        raise CorrectionError("a ticket needs your name and what is claimed to be wrong: --by NAME --claim TEXT")
    contract, stream = _described(contracts, system, name)
    if field not in {column.name for column in stream.columns}:
        known = ", ".join(column.name for column in stream.columns)
        raise CorrectionError(f"{system}.{name} has no field {field!r}; its fields are {known}")
    version = _current(conn, stream, key)
    if version is None:
        raise CorrectionError(
            f"no record of that key is current in {system}.{name}: `townhub explain` lists the records behind a value, "
            "`townhub quarantine list --rows` those that wait"
        )
    due = today + timedelta(days=term(contract.owner))
    row = conn.execute(
        "INSERT INTO control.correction (system, stream, record_key, field, claim, owner, due_on, landed_load,"
        " landed_hash, opened_by) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING correction_id",
        [*record, field, claim, contract.owner, due, version.from_load, version.content_hash, by],
    ).fetchone()
    assert row is not None
    conn.execute("INSERT INTO control.correction_step (correction_id, state, by) VALUES (%s, 'open', %s)", [row[0], by])
    audit.append(conn, by, "correction.open", {"correction": row[0], "system": system, "stream": name, "field": field})
    return int(row[0])


def move(
    conn: psycopg.Connection, correction_id: int, state: str, *, by: str, note: str = "", outcome: str | None = None
) -> None:
    """Take a ticket to its next state: sent, answered, or closed with an outcome and a note. The caller commits.

    Raises CorrectionError when it cannot go there from where it is.
    """
    if state == "closed" and (outcome not in OUTCOMES or not note.strip()):
        raise CorrectionError(f"a ticket is closed with an outcome ({', '.join(OUTCOMES)}) and a note of why")
    if state not in (*STEPS, "closed") or not by.strip():
        raise CorrectionError(
            f"a ticket is {' or '.join(STEPS)}, by a named person; `townhub correction close` ends it"
        )
    _one(conn, correction_id)
    try:
        with conn.transaction():
            conn.execute(
                "INSERT INTO control.correction_step (correction_id, state, outcome, note, by)"
                " VALUES (%s, %s, %s, %s, %s)",
                [correction_id, state, outcome, note or None, by],
            )
    except psycopg.errors.RaiseException as error:
        raise CorrectionError(f"{error.diag.message_primary}; {error.diag.message_hint}") from error
    audit.append(conn, by, f"correction.{state}", {"correction": correction_id, "outcome": outcome})


def tickets(
    conn: psycopg.Connection,
    contracts: Mapping[str, Contract],
    today: date,
    *,
    owner: str | None = None,
    closed: bool = False,
    record: tuple[str, str, str] | None = None,
) -> list[Row]:
    """Tickets as dicts, the first due first, without the closed ones unless they are wanted.

    `source` says what became of the record since: see `standings`.
    """
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            _TICKETS + "WHERE (%(owner)s::text IS NULL OR c.owner = %(owner)s) AND (%(closed)s OR s.state <> 'closed')"
            " AND (%(record)s::text[] IS NULL OR ARRAY[c.system, c.stream, c.record_key] = %(record)s)"
            " ORDER BY s.state = 'closed', c.due_on, c.correction_id",
            {"today": today, "owner": owner, "closed": closed, "record": list(record) if record else None},
        ).fetchall()
    source = standings(conn, contracts, rows)
    return [row | {"source": source[row["correction_id"]]} for row in rows]


def ticket(conn: psycopg.Connection, contracts: Mapping[str, Contract], correction_id: int, today: date) -> Row:
    """One ticket with its history and the field as it is landed now. Raises CorrectionError for none of this number."""
    row = _one(conn, correction_id, today)
    with conn.cursor(row_factory=dict_row) as cursor:
        history = cursor.execute(
            "SELECT state, outcome, note, by, at FROM control.correction_step WHERE correction_id = %s"
            " ORDER BY step_id",
            [correction_id],
        ).fetchall()
    stream = _stream(contracts, row)
    version = _current(conn, stream, row["record_key"]) if stream else None
    now = version.values.get(row["field"]) if version else None
    source = standings(conn, contracts, [row])[correction_id]
    return row | {"source": source, "value_now": now, "history": history}


def standings(conn: psycopg.Connection, contracts: Mapping[str, Contract], rows: Iterable[Row]) -> dict[int, str]:
    """ticket → what the source did with its record since it was opened: whether an officer may close it.

    Each stream's table is read once, for all tickets about it.
    """
    by_stream: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_stream.setdefault((row["system"], row["stream"]), []).append(row)
    told: dict[int, str] = {}
    for of_stream in by_stream.values():
        stream = _stream(contracts, of_stream[0])
        versions: dict[str, list[SourceRow]] = {}
        if stream is not None:
            for version in source_rows.by_record(conn, stream, [row["record_key"] for row in of_stream]):
                versions.setdefault(version.record_key, []).append(version)
        for row in of_stream:
            told[row["correction_id"]] = (
                "no contract describes its stream any more"
                if stream is None
                else _standing(row, versions.get(row["record_key"], []))
            )
    return told


def _standing(row: Row, versions: list[SourceRow]) -> str:
    now = next(iter(source_rows.current(versions)), None)
    if now is None:
        return "the source does not hold the record any more"
    if now.content_hash == str(row["landed_hash"]):
        return "unchanged"
    then = next((each for each in versions if each.content_hash == str(row["landed_hash"])), None)
    if then is not None and then.values.get(row["field"]) == now.values.get(row["field"]):
        return "the source has changed the record, but not this field"
    return "the source has changed it"


def _current(conn: psycopg.Connection, stream: Stream, key: str) -> SourceRow | None:
    return next(iter(source_rows.current(source_rows.by_record(conn, stream, [key]))), None)


def _described(contracts: Mapping[str, Contract], system: str, name: str) -> tuple[Contract, Stream]:
    contract = contracts.get(system)
    if contract is None or name not in contract.streams:
        told = mistakes(system)
        raise CorrectionError(
            f"the contract of {system} is refused:\n{told}"
            if told
            else f"there is no stream {system}.{name}: see `townhub systems list`"
        )
    if contract.isolated:
        raise CorrectionError(f"{system} is isolated: it has a procedure of its own, and no tickets are kept here")
    return contract, contract.streams[name]


def _stream(contracts: Mapping[str, Contract], row: Row) -> Stream | None:
    contract = contracts.get(row["system"])
    return contract.streams.get(row["stream"]) if contract else None


def _one(conn: psycopg.Connection, correction_id: int, today: date = date.min) -> Row:
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _TICKETS + "WHERE c.correction_id = %(id)s", {"id": correction_id, "today": today}
        ).fetchone()
    if row is None:
        raise CorrectionError(f"there is no ticket {correction_id}: see `townhub correction list --all`")
    return row
