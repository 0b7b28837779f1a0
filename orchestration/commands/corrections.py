"""`townhub correction`: what is claimed to be wrong in a record, taken back to the owner of its source."""

from __future__ import annotations

import getpass
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration import output

if TYPE_CHECKING:
    from orchestration.masking import Masks

app = typer.Typer(help="Correction tickets back to the owner of a source.", no_args_is_help=True)

BY = typer.Option(help="Your name; the login's without.")
TICKET = typer.Argument(help="Number of the ticket, from `townhub correction list`.")


@app.command("open")
def open_(
    record: Annotated[str, typer.Argument(help="The record: system/stream/record_key.")],
    field: Annotated[str, typer.Argument(help="The field that is wrong, as the contract calls it.")],
    claim: Annotated[str, typer.Option(help="What is claimed; kept with the ticket alone. - reads it from stdin.")],
    by: Annotated[str, BY] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Open a ticket about one field of a landed record; its owner has until the day it is due.

    Example: townhub correction open pension/pensioners/P0017 community_code --claim "moved in March" --by "Li"
    """
    from connectors.contract_folder import load_contracts
    from quality import corrections
    from resolution.decisions import Record
    from warehouse import connection

    text = sys.stdin.read().strip() if claim == "-" else claim
    contracts = load_contracts()
    with connection.connect("auditor") as conn:
        number = corrections.open_ticket(
            conn, contracts, Record.parse(record), field, text, by=by or getpass.getuser(), today=_today()
        )
        ticket = corrections.ticket(conn, contracts, number, _today())
        conn.commit()
    if as_json:
        output.emit_json(_line(ticket, _masks()))
    else:
        print(f"ticket {number} is open; {ticket['owner']} should have answered by {ticket['due_on']}")


@app.command("list")
def list_(
    owner: Annotated[str, typer.Option(help="Only tickets to this department.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Tickets that wait, the first due first; `source` says whether the source has changed the record since.

    Example: townhub correction list --owner 镇民政办
    """
    from connectors.contract_folder import load_contracts
    from quality import corrections
    from warehouse import audit, connection

    with connection.connect("auditor") as conn:
        found = corrections.tickets(conn, load_contracts(), _today(), owner=owner or None, closed=everything)
        audit.append(conn, getpass.getuser(), "correction.list", {"owner": owner or None, "tickets": len(found)})
        conn.commit()
    masks = _masks()
    output.emit_rows([_line(row, masks) for row in found], as_json=as_json, empty="no ticket waits")


@app.command()
def show(
    correction_id: Annotated[int, TICKET],
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """One ticket: what is claimed, every state that it has been in, and what the source says now, masked by class.

    Example: townhub correction show 3
    """
    from connectors.contract_folder import load_contracts
    from quality import corrections
    from resolution.decisions import Record
    from warehouse import audit, connection

    with connection.connect("auditor") as conn:
        found = corrections.ticket(conn, load_contracts(), correction_id, _today())
        audit.append(conn, getpass.getuser(), "correction.show", {"ticket": correction_id})
        conn.commit()
    masks = _masks()
    record = Record(found["system"], found["stream"], found["record_key"])
    now = masks.landed(record, {found["field"]: found["value_now"]})[found["field"]]
    head = _line(found, masks) | {"claim": found["claim"], "value now": now}
    if as_json:
        output.emit_json(head | {"history": found["history"]})
        return
    output.table(["ticket", str(correction_id)], list(head.items()))
    output.emit_rows(found["history"], as_json=False, title="history")


@app.command()
def mark(
    correction_id: Annotated[int, TICKET],
    state: Annotated[str, typer.Argument(help="sent: the owner has it; answered: the owner has said something.")],
    note: Annotated[str, typer.Option(help="How it was sent, or what was answered; kept with the ticket.")] = "",
    by: Annotated[str, BY] = "",
) -> None:
    """Note that a ticket was sent to the owner, or that the owner has answered.

    Example: townhub correction mark 3 sent --note "by the unified channel, 30 June"
    """
    from quality import corrections
    from warehouse import connection

    with connection.connect("auditor") as conn:
        if state not in corrections.STEPS:
            raise corrections.CorrectionError(f"mark a ticket as {' or '.join(corrections.STEPS)}")
        corrections.move(conn, correction_id, state, by=by or getpass.getuser(), note=note)
        conn.commit()
    print(f"ticket {correction_id} is {state}")


@app.command()
def close(
    correction_id: Annotated[int, TICKET],
    outcome: Annotated[str, typer.Option(help="corrected, refused (the source is right), or withdrawn.")],
    note: Annotated[str, typer.Option(help="Why; kept with the ticket.")],
    by: Annotated[str, BY] = "",
) -> None:
    """Close a ticket. It stays on record with its history.

    Example: townhub correction close 3 --outcome corrected --note "the source sent the new community"
    """
    from quality import corrections
    from warehouse import connection

    with connection.connect("auditor") as conn:
        corrections.move(conn, correction_id, "closed", by=by or getpass.getuser(), note=note, outcome=outcome)
        conn.commit()
    print(f"ticket {correction_id} is closed: {outcome}")


def _line(row: dict[str, Any], masks: Masks) -> dict[str, Any]:
    from resolution.decisions import Record

    return {
        "ticket": row["correction_id"], "owner": row["owner"],
        "record": masks.record(Record(row["system"], row["stream"], row["record_key"])), "field": row["field"],
        "state": row["state"], "outcome": row["outcome"], "due": row["due_on"], "overdue": row["overdue"],
        "source": row["source"], "opened": row["opened_at"], "by": row["opened_by"],
    }  # fmt: skip


def _masks() -> Masks:
    from connectors.contract_folder import load_contracts
    from orchestration.masking import Masks

    return Masks(load_contracts())


def _today() -> date:
    """Terms run by the calendar of the office, not by the day that results are computed for."""
    from zoneinfo import ZoneInfo

    return datetime.now(ZoneInfo("Asia/Shanghai")).date()
