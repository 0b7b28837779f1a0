"""`townhub backfill`: read streams again from their beginning."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration import output


def attach(app: typer.Typer) -> None:
    app.command("backfill")(backfill)


def backfill(
    names: Annotated[list[str], typer.Argument(help="A system or system.stream; repeatable.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it the command asks.")] = False,
) -> None:
    """Let the next pull read everything again, as after a changed key; then run `townhub run --select`.

    The versions that are current now are closed by that load and stay as history, beside the new ones. A record that
    the source does not send again is gone from the current state: look at what a message queue still has before you do
    this. When more than the contract's maxDeleteShare do not come again, the load is held: see `townhub holds`.

    Example: townhub backfill police_110.incidents --yes
    """
    from connectors.contract_folder import broken_contracts, load_contracts
    from orchestration.names import selected_streams
    from warehouse import connection, ledger

    streams = selected_streams(load_contracts(), names, broken_contracts())
    if not yes:
        typer.confirm(f"Read {', '.join(names)} again and close what is current?", abort=True)
    with connection.connect("loader", autocommit=True) as conn:
        for stream in streams:
            known = ledger.begin_afresh(conn, stream.system, stream.name)
            told = "is read again by its next pull" if known else "was never landed: its first pull reads everything"
            print(f"{stream.system}.{stream.name} {told}")
    output.say(f"then: townhub run {' '.join(f'--select {name}' for name in names)}")
