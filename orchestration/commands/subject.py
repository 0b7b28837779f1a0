"""`townhub subject`: what the hub holds of one resident, for the answer to that person's own request."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration import output

app = typer.Typer(help="What is held of one resident.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """What is held of one resident."""


@app.command()
def export(
    key: Annotated[str, typer.Argument(help="The resident's key, from `townhub resolve one`.")],
    to: Annotated[Path, typer.Option(help="File to write; it must not exist yet.")],
    reason: Annotated[str, typer.Option(help="Why; it is written into the audit chain.")],
    requested_by: Annotated[
        str, typer.Option(help="Who asks, without a name: herself, her guardian, the court; audited too.")
    ],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Everything held of a resident, in full, as JSON in a file that only you can read.

    Landed rows with their history and where they are from, released rows, identity links and decisions, held rows,
    correction tickets. Look through the rows that only carry the identity number before you hand the file out.

    Example: townhub subject export RABCDEFGHIJKLMNOP --to answer.json --reason "request 17" --requested-by "herself"
    """
    from connectors.contract_folder import load_contracts
    from quality import subject
    from warehouse import audit, connection

    actor = by or getpass.getuser()
    if not (reason.strip() and requested_by.strip()):
        raise output.CommandError("say why and for whom: --reason TEXT --requested-by TEXT; the reason is audited")
    file = output.new_file(to)
    try:
        with connection.connect("auditor") as conn:
            # One state of everything, whatever is committed meanwhile.
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            noted = {"reason": reason, "requested_by": requested_by}
            try:
                document = subject.export(conn, load_contracts(), key)
            except subject.NoSuchSubject:
                conn.rollback()
                audit.append(conn, actor, "subject.export", noted | {"found": False})  # the key may be anything
                conn.commit()
                raise
            conn.rollback()
            counts = subject.counts(document)
            audit.append(conn, actor, "subject.export", {"resident_key": key, **noted, **counts})
            conn.commit()
        head = {"made_by": actor, "requested_by": requested_by, "reason": reason}
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            file = -1
            json.dump(head | document, opened, ensure_ascii=False, indent=1, default=_plain)
            opened.write("\n")
    except BaseException:
        if file >= 0:
            os.close(file)
        to.unlink(missing_ok=True)
        raise
    if as_json:
        output.emit_json({"file": str(to), **counts})
    else:
        output.table(["held", "number"], list(counts.items()))
        print(f"written to {to}, readable by you alone; delete it when it was handed out")


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
