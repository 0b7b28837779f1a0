"""`townhub sql`: look into the warehouse, as oneself or as an app."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from orchestration import output
from warehouse.grants import APPS

ROWS = 10_000


def attach(app: typer.Typer) -> None:
    app.command("sql")(sql)


def sql(
    query: Annotated[str, typer.Argument(help="One read-only SQL statement.")],
    role: Annotated[str, typer.Option(help=f"App whose eyes to use: {', '.join(APPS)}.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Run one read-only statement; with --role exactly as that app would see it, and audited.

    Example: townhub sql "select colour, count(*) from serving.premises_risk group by 1" --role safety
    """
    from warehouse import access, connection

    if role:
        result = access.run_as(role, query, actor=getpass.getuser())
        columns, rows = result.columns, result.rows
    else:
        with connection.connect() as conn:
            conn.read_only = True
            cursor = conn.execute(query.encode(), prepare=True)  # prepared: exactly one statement, no `commit; …`
            if cursor.description is None:
                raise output.CommandError("this statement returns no rows; townhub sql is for reading")
            columns, rows = [column.name for column in cursor.description], cursor.fetchmany(ROWS)
    if as_json:
        output.emit_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        output.table(columns, rows)
