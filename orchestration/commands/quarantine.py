"""`townhub quarantine`: look at refused rows, take them in again, or discard them with a reason."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from orchestration import output

app = typer.Typer(help="Rows that were refused, with their reasons.", no_args_is_help=True)


@app.command("list")
def list_(
    system: Annotated[str, typer.Argument(help="Only this system.")] = "",
    rows: Annotated[bool, typer.Option("--rows", help="Single rows instead of counts by reason.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Counts by system, stream and reason, or the rows themselves.

    Example: townhub quarantine list police_110 --rows
    """
    from connectors import quarantine
    from warehouse import connection

    with connection.connect("loader") as conn:
        found = (
            quarantine.list_rows(conn, system=system or None) if rows else quarantine.list_reasons(conn, system or None)
        )
    output.emit_rows(found, as_json=as_json, empty="the quarantine is empty")


@app.command()
def show(
    quarantine_id: Annotated[int, typer.Argument(help="Number of the row, from `townhub quarantine list --rows`.")],
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """One row as it was received, with sensitive columns masked.

    Example: townhub quarantine show 17
    """
    from connectors import quarantine
    from warehouse import connection

    with connection.connect("loader") as conn:
        found = quarantine.show(conn, quarantine_id)
    if as_json:
        output.emit_json(found)
    else:
        output.table(["field", "value"], list(found.items()))


@app.command()
def replay(
    system: Annotated[str, typer.Argument(help="The system whose rows are tried again.")],
    stream: Annotated[str, typer.Option(help="Only this stream.")] = "",
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Hold the rows against the contract as it is now, and land those that obey it.

    Example: townhub quarantine replay police_110
    """
    from connectors import quarantine
    from warehouse import connection

    with connection.connect("loader") as conn:
        result = quarantine.replay(conn, system, stream or None, by=by or getpass.getuser())
    if as_json:
        output.emit_json(result)
    else:
        print(result)


@app.command()
def scorecard(
    owner: Annotated[str, typer.Option(help="Only this department.")] = "",
    days: Annotated[int, typer.Option(min=1, help="How many days, beside as many before them.")] = 7,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Defects by owner department and reason, this week beside the last: what to take up with whom.

    Example: townhub quarantine scorecard --days 30
    """
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from connectors import scorecard as cards
    from warehouse import connection

    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with connection.connect("loader") as conn:
        found = cards.scorecard(conn, today, days=days, owner=owner or None)
    output.emit_rows(found, as_json=as_json, empty="no defects in these days")


@app.command()
def discard(
    quarantine_id: Annotated[int, typer.Argument(help="Number of the row.")],
    reason: Annotated[str, typer.Option(help="Why it is no record; kept with the row.")],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
) -> None:
    """Settle a row as not worth taking in; it stays on record.

    Example: townhub quarantine discard 17 --reason "test entry of the vendor"
    """
    from connectors import quarantine
    from warehouse import connection

    with connection.connect("loader") as conn:
        quarantine.discard(conn, quarantine_id, by or getpass.getuser(), reason)
    print(f"row {quarantine_id} is discarded")
