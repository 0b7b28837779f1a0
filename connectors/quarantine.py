"""The quarantine as a workplace: count, look, take in again, discard. Nothing is ever dropped.

Rows are kept as received, under the upstream's own column names, so that a mended contract can judge them anew.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from connectors.conform import Conformed, Conformer, empty_rejects, record_keys
from connectors.contract import Column, Contract, Stream
from connectors.contract_folder import load_contracts, mistakes
from connectors.copy_binary import hash_bytes
from connectors.errors import Permanent
from connectors.landed import Landed, commit
from connectors.landing import Lander
from connectors.reasons import explain
from connectors.settlement import CORRECTED
from connectors.tables import table_of
from connectors.versions import key_hashes
from warehouse import audit, ledger

Row = dict[str, Any]


def list_reasons(conn: psycopg.Connection, system: str | None = None) -> list[Row]:
    """Held rows counted by system, stream and reason, the most frequent first, with what to do."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            """SELECT system, stream, reason, count(*) AS rows, min(first_seen) AS first_seen,
                      max(last_seen) AS last_seen
                 FROM quarantine.row, unnest(reasons) AS reason
                WHERE state = 'held' AND (%(system)s::text IS NULL OR system = %(system)s)
                GROUP BY 1, 2, 3 ORDER BY rows DESC, system, stream, reason""",
            {"system": system},
        ).fetchall()
    return [row | {"remedy": explain(row["reason"])} for row in rows]


def list_rows(conn: psycopg.Connection, *, system: str | None = None, limit: int = 200) -> list[Row]:
    """Held rows, the newest first, without their contents."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT quarantine_id, system, stream, array_to_string(reasons, ', ') AS reasons, times_seen,
                      first_seen, last_seen
                 FROM quarantine.row
                WHERE state = 'held' AND (%(system)s::text IS NULL OR system = %(system)s)
                ORDER BY quarantine_id DESC LIMIT %(limit)s""",
            {"system": system, "limit": limit},
        ).fetchall()


def show(conn: psycopg.Connection, quarantine_id: int) -> Row:
    """One row with its reasons explained; columns of class L3 and above are masked to their length."""
    row = _one(conn, quarantine_id)
    stream = _stream(load_contracts(), row["system"], row["stream"])
    columns = {column.physical_name: column for column in stream.columns}
    return {
        "quarantine_id": row["quarantine_id"],
        "system": row["system"],
        "stream": row["stream"],
        "state": row["state"],
        "first seen": row["first_seen"],
        "times seen": row["times_seen"],
        "why": "\n".join(explain(reason) for reason in row["reasons"]),
    } | {name: _masked(value, columns.get(name)) for name, value in _payload(row).items()}


def replay(
    conn: psycopg.Connection, system: str, stream: str | None = None, *, by: str, run_id: str | None = None
) -> Row:
    """Hold a system's rows against its contract as it is now; land those that obey it, keep the others held.

    Gives {"tried", "landed", "unchanged", "held"}. Commits.
    """
    contract = load_contracts().get(system)
    if contract is None:
        _say_if_refused(system)
        raise Permanent(f"there is no system {system}", "See `townhub systems list`")
    names = [stream] if stream else list(contract.streams)
    total = {"tried": 0, "landed": 0, "unchanged": 0, "held": 0}
    for name in names:
        done = _replay_stream(conn, contract, _stream({system: contract}, system, name), by, run_id)
        total = {what: total[what] + done.get(what, 0) for what in total}
    return total


def discard(conn: psycopg.Connection, quarantine_id: int, by: str, reason: str) -> None:
    """Settle a row as no record. It stays on record, with who decided and why. Commits.

    Waits for a replay of the row that is under way; raises Permanent when the row is settled already.
    """
    if not reason.strip():
        raise Permanent("a reason is missing", "Say why the row is no record: --reason TEXT")
    row = conn.execute(
        """UPDATE quarantine.row SET state = 'discarded', settled_by = %s, settled_reason = %s, settled_at = now()
            WHERE quarantine_id = %s AND state = 'held' RETURNING system, stream""",
        [by, reason, quarantine_id],
    ).fetchone()
    if row is None:
        state = _one(conn, quarantine_id)["state"]
        raise Permanent(f"row {quarantine_id} is {state} already", "See `townhub quarantine list --rows`")
    # The reason may speak of a person: it stays with the row, and goes with it.
    audit.append(conn, by, "quarantine.discard", {"system": row[0], "stream": row[1], "row": quarantine_id})
    conn.commit()


def _replay_stream(conn: psycopg.Connection, contract: Contract, stream: Stream, by: str, run_id: str | None) -> Row:
    conn.commit()
    conn.autocommit = True
    try:
        # Read under the lock: what a load or a steward settles meanwhile is not taken in again.
        with ledger.stream_lock(conn, stream.system, stream.name):
            if not _replayable(conn, stream, "LIMIT 1"):
                return {}
            load_id = ledger.open_load(
                conn,
                system=stream.system,
                stream=stream.name,
                contract_version=contract.version,
                run_id=run_id,
                kind="replay",
            )
            conn.autocommit = False
            try:
                # Locked, so that whoever discards one meanwhile waits, and what was discarded by now is left.
                rows = _replayable(conn, stream, "FOR UPDATE")
                landed = _land_again(conn, contract, stream, load_id, rows, by)
                commit(conn, load_id, landed)
            except Exception:
                conn.rollback()
                ledger.fail_load(conn, load_id, "the replay broke off; the rows are held as before")
                conn.commit()
                raise
            conn.autocommit = True
            left = conn.execute(
                "SELECT count(*) FROM quarantine.row WHERE quarantine_id = ANY (%s) AND state = 'held'",
                [[row[0] for row in rows]],
            ).fetchone()
            assert left is not None
            return {
                "tried": len(rows), "landed": landed.landed, "unchanged": landed.unchanged, "held": left[0],
            }  # fmt: skip
    finally:
        conn.autocommit = False


def _replayable(conn: psycopg.Connection, stream: Stream, how: Literal["LIMIT 1", "FOR UPDATE"]) -> list[Any]:
    """(quarantine_id, payload, reasons, last load, state) of the rows that were received whole."""
    # What was corrected since is still a version of its record, where times tell the order: it is history.
    states = ["held"] if stream.cursor is None else ["held", "superseded"]
    return conn.execute(
        """SELECT quarantine_id, payload_text, reasons, last_load_id, state FROM quarantine.row
            WHERE system = %s AND stream = %s AND state = ANY (%s) AND payload IS NOT NULL ORDER BY quarantine_id """
        + how,
        [stream.system, stream.name, states],
    ).fetchall()


def _land_again(
    conn: psycopg.Connection, contract: Contract, stream: Stream, load_id: int, rows: list[Any], by: str
) -> Landed:
    conform = Conformer(stream, contract.server_of(stream))
    obeying: list[int] = []
    with Lander(conn, stream, load_id, contract.version, replay=True) as lander:
        for waits, in_conflict in ((True, False), (True, True), (False, False)):
            chosen = [row for row in rows if (row[4] == "held", _is_conflict(row[2])) == (waits, in_conflict)]
            if not chosen:
                continue
            texts = [row[1] for row in chosen]
            page = pl.DataFrame(
                [json.loads(text) for text in texts], schema={c.physical_name: pl.String for c in stream.columns}
            )
            conformed = conform(page)
            # What stays held is the row that was received, with the fields that the contract does not know.
            payload = pl.Series(texts, dtype=pl.String).gather(conformed.rejected["row_no"])
            conformed.rejected = conformed.rejected.with_columns(payload=payload)
            fine = [chosen[row] for row in _accepted_rows(conformed, len(chosen))]
            if stream.cursor is None:
                conformed, fine = _without_overtaken(conn, stream, load_id, conformed, fine)
            obeying += [row[0] for row in fine]
            if not waits:
                conformed = replace(conformed, rejected=empty_rejects(), outcomes=Counter())
            lander.add(conformed, standing=in_conflict)
        landed = lander.finish(complete=False)
    replayed = conn.execute(
        """UPDATE quarantine.row SET state = 'replayed', settled_by_load = %s, settled_by = %s, settled_at = now(),
                  settled_reason = 'obeys the contract now'
            WHERE quarantine_id = ANY (%s) AND checked_by_load IS DISTINCT FROM %s
              AND settled_by_load IS DISTINCT FROM %s""",
        [load_id, by, obeying, load_id, load_id],
    ).rowcount
    if replayed:
        noted = {"system": stream.system, "stream": stream.name, "load": load_id, "rows": replayed}
        audit.append(conn, by, "quarantine.replay", noted)
    return landed


def _without_overtaken(
    conn: psycopg.Connection, stream: Stream, load_id: int, conformed: Conformed, rows: list[Any]
) -> tuple[Conformed, list[Any]]:
    """The accepted page and its rows without those whose record was landed since they were held.

    Where no time of change tells which version is newer, the later arrival is: a row that a later load overtook is
    settled. One that came in the same pull as what landed waits on: nothing says which of the two is right. A key that
    could not be read when the row was held, and can be now, is met here for the first time.
    """
    keys = [key.hex() for key in hash_bytes(key_hashes(record_keys(conformed.accepted, stream)))]
    found = conn.execute(
        sql.SQL("SELECT _key, _from_load FROM {} WHERE _to_load IS NULL AND _key = ANY (%s::uuid[])").format(
            table_of(stream)
        ),
        [keys],
    ).fetchall()
    landed_by = {key.hex: load for key, load in found}
    lead = np.array([landed_by.get(key, 0) - row[3] for key, row in zip(keys, rows, strict=True)], dtype=np.int64)
    conn.execute(
        """UPDATE quarantine.row SET state = 'superseded', settled_by_load = %s, settled_by = 'the source',
                  settled_reason = %s, settled_at = now() WHERE quarantine_id = ANY (%s) AND state = 'held'""",
        [load_id, CORRECTED, [rows[row][0] for row in np.flatnonzero(lead > 0)]],
    )
    kept = replace(conformed, accepted=conformed.accepted.filter(pl.Series(lead < 0)), added=None)
    return kept, [rows[row] for row in np.flatnonzero(lead < 0)]


def _accepted_rows(conformed: Conformed, height: int) -> npt.NDArray[np.int64]:
    """Positions in the page of the rows that were accepted."""
    return np.setdiff1d(np.arange(height), conformed.rejected["row_no"].to_numpy())


def _is_conflict(reasons: list[str]) -> bool:
    return any(reason.endswith(":conflicting_duplicate") for reason in reasons)


def _one(conn: psycopg.Connection, quarantine_id: int) -> Row:
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM quarantine.row WHERE quarantine_id = %s", [quarantine_id]).fetchone()
    if row is None:
        raise Permanent(f"there is no quarantined row {quarantine_id}", "See `townhub quarantine list --rows`")
    return row


def _stream(contracts: dict[str, Contract], system: str, stream: str) -> Stream:
    try:
        return contracts[system].streams[stream]
    except KeyError:
        if system not in contracts:
            _say_if_refused(system)
        raise Permanent(
            f"no contract describes {system}.{stream} any more", "Bring its contract back to look at its rows"
        ) from None


def _say_if_refused(system: str) -> None:
    """Raise Permanent with the mistakes of a system's contract, where it has some."""
    if told := mistakes(system):
        raise Permanent(f"the contract of {system} is refused:\n{told}") from None  # each mistake has its remedy


def _payload(row: Row) -> Row:
    """The fields of a row; a record that never became a row has one, its text."""
    try:
        fields = json.loads(row["payload_text"])
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {"record": row["payload_text"]}


def _masked(value: Any, column: Column | None) -> Any:
    """What a data engineer may see: all of L1 and L2, of the rest only how long it is."""
    if value is None or (column is not None and column.classification in ("L1", "L2") and not column.sensitive):
        return value
    return f"••• ({len(str(value))} characters)"
