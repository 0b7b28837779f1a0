"""`townhub status`."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration import output


def attach(app: typer.Typer) -> None:
    app.command("status")(status)


def status(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """A row per stream: last load, its rows, freshness against the contract, state.

    Example: townhub status --json
    """
    from warehouse import connection, server
    from warehouse.settings import settings
    from warehouse.status import status_rows

    config = settings()
    if config.embedded and not server.status(config).running:
        raise output.CommandError("the hub's server is not running; start it with `townhub up` or `townhub demo`")
    with connection.connect("loader") as conn:
        rows = status_rows(conn)
    lines = [
        {
            "system": row.system,
            "stream": row.stream,
            "state": row.input_state,
            "last load state": row.state,
            "last load": row.last_load,
            "finished": row.finished_at,
            "landed": row.rows_landed,
            "unchanged": row.rows_unchanged,
            "quarantined": row.rows_quarantined,
            "tombstoned": row.rows_tombstoned,
            "age (s)": None if row.age_seconds is None else round(row.age_seconds),
            "fresh within (s)": row.freshness_seconds,
            "in quarantine": row.held_rows,
            "holds": row.open_holds,
            "error": row.error,
            "notes": row.notes,
        }
        for row in rows
    ]
    if as_json:
        output.emit_json(
            [
                {key.replace(" (s)", "_seconds").replace(" ", "_"): value for key, value in line.items()}
                for line in lines
            ]
        )
    else:
        output.emit_rows(lines, as_json=False, empty="no streams yet; take something in with `townhub run`")
