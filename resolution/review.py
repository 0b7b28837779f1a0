"""The stewards' queue: what resolution found doubtful, what it is held against, and how it is settled.

A review is about one record or one pair. It is settled by a decision about two records, which the next run applies,
or dismissed: then the rules' own answer stands, as long as the record says what it said then. Of a record that is
somebody's by a lone name the rules' answer is that whose it is, is not known: dismissed, it goes on deciding nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

import psycopg
from psycopg.rows import dict_row

from resolution import decisions, lookup, record_fields
from resolution.decisions import Record
from resolution.errors import IdentityError
from resolution.record_fields import Fields
from warehouse import audit

Outcome = Literal["must_link", "cannot_link", "dismiss"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)

MAX_CANDIDATES = 10


@dataclass(frozen=True)
class Candidate:
    """An entity that the doubtful record may or may not belong to, and the record of it that a decision would name."""

    entity_key: str
    record: Record
    fields: Fields
    why: str


@dataclass(frozen=True)
class Doubt:
    """One review with what is needed to settle it. `entity_key` is where the record belongs now."""

    review_id: int
    kind: str
    state: str
    reason: str
    weight: float | None
    record: Record
    entity_key: str | None
    fields: Fields
    candidates: list[Candidate]
    outcome: str | None
    decided_by: str | None
    outcome_reason: str | None
    decision_id: int | None


def queue(conn: psycopg.Connection, *, kind: str | None = None, decided: bool = False, limit: int = 200) -> list[Any]:
    """Open (or settled) reviews as dicts: the oldest open first, the newest settled first."""
    order = "r.decided_at DESC" if decided else "r.review_id"
    query = f"""SELECT r.review_id, r.kind, coalesce(r.record, r.pair -> 0) AS record, r.reason, r.weight, r.created_at,
                       r.outcome, r.decided_by, r.decided_at, r.outcome_reason, r.decision_id,
                       coalesce(d.revoked_at, r.reopened_at) AS revoked_at
                  FROM resolution.review r LEFT JOIN resolution.decision d USING (decision_id)
                 WHERE r.state = %(state)s AND (%(kind)s::text IS NULL OR r.kind = %(kind)s)
                 ORDER BY {order} LIMIT %(limit)s"""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            query.encode(), {"state": "decided" if decided else "open", "kind": kind, "limit": limit}
        ).fetchall()
    return [row | {"record": Record(**row["record"])} for row in rows]


def counts(conn: psycopg.Connection) -> dict[str, int]:
    """kind → open reviews."""
    rows = conn.execute("SELECT kind, count(*) FROM resolution.review WHERE state = 'open' GROUP BY 1 ORDER BY 1")
    return {str(kind): int(number) for kind, number in rows}


def show(conn: psycopg.Connection, review_id: int) -> Doubt:
    """A review with its record and the entities it is held against (role builder). Raises IdentityError."""
    row = _one(conn, review_id)
    pair = [Record(**each) for each in row["pair"] or ()]
    record = Record(**row["record"]) if row["record"] else pair[0]
    kind = row["kind"]
    fields = record_fields.read(conn, kind, [record]).get(record, {})
    own = decisions.key_of(conn, kind, record)
    whys: dict[str, tuple[Record | None, str]] = {}
    if len(pair) == 2 and (other := decisions.key_of(conn, kind, pair[1])) is not None:
        whys[other] = (pair[1], "the other record of the pair")
    if own is not None:
        whys.setdefault(own, (None, "where it belongs now"))
    for match in _similar(conn, kind, fields):
        whys.setdefault(match.entity_key, (None, match.reason))
    named = [
        (key, chosen or _representative(conn, kind, key, record), why)
        for key, (chosen, why) in list(whys.items())[:MAX_CANDIDATES]
    ]
    held = record_fields.read(conn, kind, [other for _, other, _ in named if other is not None])
    candidates = [Candidate(key, other, held.get(other, {}), why) for key, other, why in named if other is not None]
    told = {name: row[name] for name in ("outcome", "decided_by", "outcome_reason", "decision_id")}
    return Doubt(review_id, kind, row["state"], row["reason"], row["weight"], record, own, fields, candidates, **told)


def decide(
    conn: psycopg.Connection, review_id: int, outcome: Outcome, *, by: str, reason: str, other: str | None = None
) -> int | None:
    """Settle a review; gives the number of the decision, None for a dismissal. The caller commits.

    `other` names what the record is linked to or kept from: a candidate's entity key, or system/stream/record_key. It
    may be left out when there is one candidate. Raises IdentityError.
    """
    if outcome not in OUTCOMES:
        raise IdentityError(f"{outcome!r} is no outcome: use {', '.join(OUTCOMES)}")
    conn.execute("SELECT FROM resolution.review WHERE review_id = %s FOR UPDATE", [review_id])
    doubt = show(conn, review_id)
    if doubt.state != "open":
        again = f"revoke decision {doubt.decision_id}" if doubt.decision_id else f"`townhub review reopen {review_id}`"
        raise IdentityError(f"review {review_id} is settled already: {again}, and it is asked again")
    decision: int | None = None
    if outcome == "dismiss":
        decisions.stated(by, reason)
    else:
        # The doubtful record is the one that leaves when they cannot be one.
        decision = decisions.decide(
            conn, doubt.kind, outcome, _other(conn, doubt, other), doubt.record, by=by, reason=reason
        )
    conn.execute(
        """UPDATE resolution.review SET state = 'decided', outcome = %s, outcome_reason = %s, decided_by = %s,
                  decided_at = clock_timestamp(), decision_id = %s, judged = %s
            WHERE review_id = %s AND state = 'open'""",
        [outcome, reason, by, decision, None if decision else record_fields.digest(doubt.fields), review_id],
    )
    if decision is None:
        audit.append(conn, by, "identity doubt dismissed", {"review": review_id, "kind": doubt.kind})
    return decision


def reopen(conn: psycopg.Connection, review_id: int, *, by: str, reason: str) -> int:
    """Take a dismissal back: the doubt is asked again at once. Gives the number of the review of it that is open: a new
    one, but where a run found the same doubt since. The caller commits.

    Raises IdentityError for a review that was not dismissed, or whose dismissal was taken back already.
    """
    decisions.stated(by, reason)
    done = conn.execute(
        """UPDATE resolution.review SET reopened_at = clock_timestamp(), reopened_by = %s, reopened_reason = %s
            WHERE review_id = %s AND outcome = 'dismiss' AND reopened_at IS NULL""",
        [by, reason, review_id],
    )
    if done.rowcount == 0:
        raise IdentityError(f"review {review_id} is no dismissal that stands: see `townhub review list --decided`")
    row = (
        conn.execute(
            """SELECT open.review_id FROM resolution.review d JOIN resolution.review open ON open.state = 'open'
              AND (open.kind, open.reason) = (d.kind, d.reason)
              AND (open.record, open.pair) IS NOT DISTINCT FROM (d.record, d.pair)
            WHERE d.review_id = %s""",
            [review_id],
        ).fetchone()
        or conn.execute(
            """INSERT INTO resolution.review (kind, pair, record, reason, weight, created_run)
           SELECT kind, pair, record, reason, weight, created_run FROM resolution.review WHERE review_id = %s
           RETURNING review_id""",
            [review_id],
        ).fetchone()
    )
    assert row is not None
    audit.append(conn, by, "identity doubt reopened", {"review": review_id, "again": row[0]})
    return int(row[0])


def _other(conn: psycopg.Connection, doubt: Doubt, named: str | None) -> Record:
    if named is not None and "/" in named:
        return Record.parse(named)
    if named is not None:
        chosen = [each.record for each in doubt.candidates if each.entity_key == named]
        found = chosen[0] if chosen else _representative(conn, doubt.kind, named, doubt.record)
        if found is None:
            raise IdentityError(f"{named} holds no other record now: see `townhub review show {doubt.review_id}`")
        return found
    if len(doubt.candidates) != 1:
        raise IdentityError(
            f"review {doubt.review_id} has {len(doubt.candidates)} candidates: name the one with --with, by its key in "
            f"`townhub review show {doubt.review_id}` or as system/stream/record_key"
        )
    return doubt.candidates[0].record


def _representative(conn: psycopg.Connection, kind: str, key: str, besides: Record) -> Record | None:
    """The record that speaks for an entity: one with an identity number first; never the doubtful record itself."""
    row = conn.execute(
        """SELECT system, stream, record_key FROM resolution.membership
            WHERE kind = %s AND entity_key = %s AND to_run IS NULL AND (system, stream, record_key) <> (%s, %s, %s)
            ORDER BY link_kind <> 'exact', system, stream, record_key LIMIT 1""",
        [kind, key, *besides],
    ).fetchone()
    return None if row is None else Record(*row)


def _similar(conn: psycopg.Connection, kind: str, fields: Fields) -> list[lookup.Match]:
    """Residents of similar values; none before the first build, and of other kinds."""
    if kind != "resident":
        return []
    birth = fields.get("birth_date")
    person = lookup.Person(
        fields.get("resident_id_no"), fields.get("name"), date.fromisoformat(birth) if birth else None,
        fields.get("phone"),
    )  # fmt: skip
    try:
        return lookup.find(conn, person).matches
    except IdentityError:
        return []


def _one(conn: psycopg.Connection, review_id: int) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM resolution.review WHERE review_id = %s", [review_id]).fetchone()
    if row is None:
        raise IdentityError(f"there is no review {review_id}: see `townhub review list`")
    return row
