"""`townhub status`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from orchestration import output

_COLUMNS = (
    "system", "stream", "state", "last load state", "last load", "finished", "rows in", "landed", "unchanged",
    "quarantined", "tombstoned", "age (s)", "fresh within (s)", "in quarantine", "holds", "error", "notes",
)  # fmt: skip


def attach(app: typer.Typer) -> None:
    app.command("status")(status)


def status(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """A row per stream: last load, its rows (rows in = landed + unchanged + quarantined), freshness, state.

    `broken` is a stream whose contract is refused: it is not pulled, and `error` says what is wrong in which line.

    Example: townhub status --json
    """
    from connectors.contract_folder import broken_contracts
    from orchestration import picture_service
    from warehouse import connection, server
    from warehouse.settings import settings
    from warehouse.status import status_rows

    config = settings()
    if config.embedded and not server.status(config).running:
        raise output.CommandError("the hub's server is not running; start it with `townhub up` or `townhub demo`")
    with connection.connect("loader") as conn:
        rows = status_rows(conn)
    broken = {each.system: str(each) for each in broken_contracts()}
    lines: list[dict[str, Any]] = [
        {
            "system": row.system,
            "stream": row.stream,
            "state": "broken" if row.system in broken else row.input_state,
            "last load state": row.state,
            "last load": row.last_load,
            "finished": row.finished_at,
            "rows in": row.rows_in,
            "landed": row.rows_landed,
            "unchanged": row.rows_unchanged,
            "quarantined": row.rows_quarantined,
            "tombstoned": row.rows_tombstoned,
            "age (s)": None if row.age_seconds is None else round(row.age_seconds),
            "fresh within (s)": row.freshness_seconds,
            "in quarantine": row.held_rows,
            "holds": row.open_holds,
            "error": broken.get(row.system, row.error),
            "notes": row.notes,
        }
        for row in rows
    ]
    for system in sorted(broken.keys() - {row.system for row in rows}):
        lines.append(dict.fromkeys(_COLUMNS) | {"system": system, "state": "broken", "error": broken[system]})
    if as_json:
        output.emit_json(
            [
                {key.replace(" (s)", "_seconds").replace(" ", "_"): value for key, value in line.items()}
                for line in lines
            ]
        )
    else:
        output.emit_rows(lines, as_json=False, empty="no streams yet; take something in with `townhub run`")
        if (address := picture_service.url()) is not None:
            print(f"pictures: {address}")
