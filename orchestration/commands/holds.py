"""`townhub holds` and `townhub purge`: decisions that only a person takes."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from orchestration import output

app = typer.Typer(help="Loads held because they would delete or lose too much.", no_args_is_help=True)


def attach(root: typer.Typer) -> None:
    root.command("purge")(purge)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were released.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """The loads that wait for a named person.

    Example: townhub holds list
    """
    from warehouse import connection, holds

    with connection.connect("loader") as conn:
        rows = holds.list_holds(conn, settled=everything)
    output.emit_rows(rows, as_json=as_json, empty="no load is held")


@app.command()
def release(
    hold_id: Annotated[int, typer.Argument(help="Number of the hold, from `townhub holds list`.")],
    reason: Annotated[str, typer.Option(help="Why this loss is right; it is written into the audit chain.")],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
) -> None:
    """Let one load of this kind through; the next run applies it.

    Example: townhub holds release 4 --by "Wang" --reason "the register was merged with another town's"
    """
    from warehouse import connection, holds

    with connection.connect("loader") as conn:
        holds.release_hold(conn, hold_id, by or getpass.getuser(), reason)
    print(f"hold {hold_id} is released; the next `townhub run` applies the load")


def purge(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it the command asks.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Delete rows past the retention of their contract, releases past that of their family, and runs of long ago.

    Example: townhub purge --yes
    """
    if not yes:
        typer.confirm("Delete every row and release that is past its retention? This cannot be undone", abort=True)
    from orchestration import deleting, environment, passes, run_history
    from warehouse import connection

    done = deleting.delete_expired()
    connection.ensure_database("dagster")
    environment.apply()
    with passes.open_instance() as instance:
        runs = run_history.forget(instance)
    if runs:
        output.say(f"{runs} runs that ended long ago are deleted from Dagster's history")
    rows = [
        dict(zip(("system", "stream"), what.split("."), strict=True)) | {"deleted": count}
        for what, count in done.items()
    ]
    output.emit_rows(rows, as_json=as_json, empty="nothing is past its retention")
