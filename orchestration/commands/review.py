"""`townhub review`: doubtful identities, side by side, decided by a named person, and taken back again."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration import output

if TYPE_CHECKING:
    import psycopg

    from orchestration.masking import Masks
    from resolution.review import Candidate, Doubt

app = typer.Typer(help="Doubtful identities: look, decide, take back, explain.", no_args_is_help=True)

BY = typer.Option(help="Your name; the login's without.")
REASON = typer.Option(help="Why; kept for ever beside your name.")


KINDS = ("resident", "enterprise", "premises", "event")


@app.command("list")
def list_(
    kind: Annotated[str, typer.Option(help="Only this kind: resident, enterprise, premises, event.")] = "",
    decided: Annotated[bool, typer.Option("--decided", help="Those that are settled, with their decisions.")] = False,
    by: Annotated[str, BY] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Records that may be somebody else's, the oldest first, with the reason of the doubt.

    Example: townhub review list --kind resident
    """
    from resolution import review
    from resolution.errors import IdentityError
    from warehouse import connection

    if kind not in ("", *KINDS):
        raise IdentityError(f"{kind!r} is no kind: use one of {', '.join(KINDS)}")
    masks = _masks()
    with connection.connect("builder") as conn:
        _note(conn, by, "identity doubts listed", {"kind": kind or None, "decided": decided})
        found = review.queue(conn, kind=kind or None, decided=decided)
        waiting = 0 if decided else sum(rows for of, rows in review.counts(conn).items() if kind in ("", of))
    lines = [
        {"review": row["review_id"], "kind": row["kind"], "record": masks.record(row["record"]),
         "reason": row["reason"], "since": row["created_at"]}
        | (_settled(row) if decided else {})
        for row in found
    ]  # fmt: skip
    empty = "nothing was settled yet" if decided else "the queue is empty"
    output.emit_rows(lines, as_json=as_json, empty=empty)
    if waiting > len(lines) and not as_json:
        print(f"the oldest {len(lines)} of {waiting:,} that wait")


@app.command()
def show(
    review_id: Annotated[int, typer.Argument(help="Number of the review, from `townhub review list`.")],
    by: Annotated[str, BY] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """The doubtful record and what it is held against, side by side; sensitive columns masked, = same, ≠ differs.

    Example: townhub review show 3
    """
    from resolution import review
    from warehouse import connection

    masks = _masks()
    with connection.connect("builder") as conn:
        _note(conn, by, "identity doubt shown", {"review": review_id})
        doubt = review.show(conn, review_id)
    if as_json:
        output.emit_json(_document(doubt, masks))
        return
    output.table(["review", str(review_id)], list(_head(doubt, masks).items()))
    if not doubt.candidates:
        print("no candidates: nobody of similar values is known; name one with --with system/stream/record_key")
        return
    own = masks.fields(doubt.kind, doubt.record, doubt.fields)
    shown = [masks.fields(doubt.kind, each.record, each.fields) for each in doubt.candidates]
    lines = [["record", masks.record(doubt.record), *(masks.record(each.record) for each in doubt.candidates)]]
    lines.append(["why", "", *(each.why for each in doubt.candidates)])
    for name in own:
        cells = [
            f"{_sign(doubt.fields.get(name), each.fields.get(name))} {fields.get(name) or ''}".strip()
            for each, fields in zip(doubt.candidates, shown, strict=True)
        ]
        lines.append([name, own[name] or "", *cells])
    output.table(["field", "doubtful record", *(each.entity_key for each in doubt.candidates)], lines)


@app.command()
def decide(
    review_id: Annotated[int, typer.Argument(help="Number of the review.")],
    outcome: Annotated[str, typer.Argument(help="must_link, cannot_link, or dismiss: the rules are right.")],
    reason: Annotated[str, REASON],
    other: Annotated[
        str, typer.Option("--with", help="The candidate's key from `show`, or system/stream/record_key.")
    ] = "",
    by: Annotated[str, BY] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Settle a review. No run overrides the decision; records and products follow at the next run.

    Example: townhub review decide 3 cannot_link --with RABCDEFGHIJKLMNOP --reason "asked the family"
    """
    from typing import cast

    from resolution import review
    from warehouse import connection

    with connection.connect("builder") as conn:
        decision = review.decide(
            conn, review_id, cast(review.Outcome, outcome), by=by or getpass.getuser(), reason=reason,
            other=other or None,
        )  # fmt: skip
        conn.commit()
    if as_json:
        output.emit_json({"review": review_id, "outcome": outcome, "decision": decision})
    elif decision is None:
        print(f"review {review_id} is dismissed; nothing changes, and it is asked again when the record changes")
    else:
        print(f"review {review_id} is settled by decision {decision}; `townhub run` applies it")


@app.command()
def revoke(
    decision_id: Annotated[int, typer.Argument(help="Number of the decision, from `townhub review list --decided`.")],
    reason: Annotated[str, REASON],
    by: Annotated[str, BY] = "",
) -> None:
    """Take a decision back: from the next run on the rules decide again, and the doubt is asked again.

    Example: townhub review revoke 5 --reason "the family was mistaken"
    """
    from resolution import decisions
    from warehouse import connection

    with connection.connect("builder") as conn:
        decisions.revoke(conn, decision_id, by=by or getpass.getuser(), reason=reason)
        conn.commit()
    print(f"decision {decision_id} is revoked; `townhub run` applies it")


@app.command()
def reopen(
    review_id: Annotated[int, typer.Argument(help="Number of the dismissed review, from `review list --decided`.")],
    reason: Annotated[str, REASON],
    by: Annotated[str, BY] = "",
) -> None:
    """Take a dismissal back: the doubt is in the queue again, under a number of its own.

    Example: townhub review reopen 3 --reason "the family called"
    """
    from resolution import review
    from warehouse import connection

    with connection.connect("builder") as conn:
        again = review.reopen(conn, review_id, by=by or getpass.getuser(), reason=reason)
        conn.commit()
    print(f"review {review_id} is asked again as review {again}")


@app.command()
def explain(
    key: Annotated[str, typer.Argument(help="A key of an entity, also one that was merged long ago.")],
    by: Annotated[str, BY] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Why these records are one: links, weights, what became of the key, and what stewards decided.

    Example: townhub review explain RABCDEFGHIJKLMNOP
    """
    from dataclasses import asdict

    from resolution import explain as explaining
    from resolution.errors import IdentityError
    from warehouse import connection

    masks = _masks()
    with connection.connect("builder") as conn:
        try:
            found = explaining.explain(conn, key)
        except IdentityError:
            _note(conn, by, "identity explained", {"found": False})  # the key may be anything
            raise
        _note(conn, by, "identity explained", {"found": True, "key": key})
    records = [each | {"record": masks.record(each["record"])} for each in found.records]
    edges = [each | {"a": masks.record(each["a"]), "b": masks.record(each["b"])} for each in found.edges]
    decided = [_decision(each, masks) for each in found.decisions]
    if as_json:
        output.emit_json(asdict(found) | {"records": records, "edges": edges, "decisions": decided})
        return
    became = "" if found.resolves_to == key else f", now {found.resolves_to or 'nobody'}"
    output.emit_rows(records, as_json=False, title=f"{found.kind} {key}: {found.status}{became}", empty="no records")
    output.emit_rows(edges, as_json=False, title="evidence", empty=found.note)
    output.emit_rows(found.history, as_json=False, title="history")
    output.emit_rows(decided, as_json=False, title="decisions", empty="no steward decided about these records")


def _note(conn: psycopg.Connection, by: str, action: str, detail: dict[str, Any]) -> None:
    """Who looked at what, in the audit chain before anything is shown."""
    from warehouse import audit

    audit.append(conn, by or getpass.getuser(), action, detail)
    conn.commit()


def _masks() -> Masks:
    from connectors.contract_folder import load_contracts
    from orchestration.masking import Masks

    return Masks(load_contracts())


def _settled(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "outcome": row["outcome"], "by": row["decided_by"], "why": row["outcome_reason"],
        "decision": row["decision_id"], "revoked": row["revoked_at"],
    }  # fmt: skip


def _decision(row: dict[str, Any], masks: Masks) -> dict[str, Any]:
    from resolution.decisions import Record

    return row | {side: masks.record(Record(*row[side])) for side in ("a", "b")}


def _head(doubt: Doubt, masks: Masks) -> dict[str, Any]:
    told = {"kind": doubt.kind, "state": doubt.state, "reason": doubt.reason, "weight": doubt.weight,
            "record": masks.record(doubt.record), "entity_key": doubt.entity_key, "outcome": doubt.outcome,
            "decided_by": doubt.decided_by, "why": doubt.outcome_reason, "decision": doubt.decision_id}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _document(doubt: Doubt, masks: Masks) -> dict[str, Any]:
    def side(each: Candidate) -> dict[str, Any]:
        shown = masks.fields(doubt.kind, each.record, each.fields)
        same = {name: _same(doubt.fields.get(name), each.fields.get(name)) for name in each.fields}
        return {"entity_key": each.entity_key, "record": masks.record(each.record), "why": each.why,
                "fields": shown, "same": same}  # fmt: skip

    own = masks.fields(doubt.kind, doubt.record, doubt.fields)
    return {"review": doubt.review_id, **_head(doubt, masks), "fields": own,
            "candidates": [side(each) for each in doubt.candidates]}  # fmt: skip


def _same(one: str | None, other: str | None) -> bool | None:
    """None when one of the two is not stated."""
    return None if one is None or other is None else one == other


def _sign(one: str | None, other: str | None) -> str:
    return {True: "=", False: "≠", None: ""}[_same(one, other)]
