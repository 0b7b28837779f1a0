"""`townhub resolve one` and `key`: whom a record, a person or an old key belongs to; prints keys and reasons alone."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer

from orchestration import output


def attach(app: typer.Typer) -> None:
    app.command("one")(one)
    app.command("key")(key_)


def one(
    system: Annotated[str, typer.Option(help="System of a record that was taken in.")] = "",
    key: Annotated[str, typer.Option(help="Its key there.")] = "",
    stream: Annotated[str, typer.Option(help="Its stream, where a system has several.")] = "",
    id_no: Annotated[str, typer.Option(help="Identity number of a person; - reads it from stdin.")] = "",
    name: Annotated[str, typer.Option(help="Name of a person; needs --birth or --phone.")] = "",
    birth: Annotated[str, typer.Option(help="Birth date, YYYY-MM-DD.")] = "",
    phone: Annotated[str, typer.Option(help="Telephone; needs --name.")] = "",
    by: Annotated[str, typer.Option(help="Your name for the audit chain; the login's without.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """The entity of one record, or of one person by number, name, birth date and telephone.

    Exit code 1 when there is no one answer. Every look-up is on record in the audit chain, without its values. A number
    on the command line stays in the shell's history and is seen by who lists processes: `--id-no -` is read from stdin.

    Example: townhub resolve one --system pension --key P0017
    """
    from resolution import lookup
    from resolution.errors import IdentityError
    from warehouse import audit, connection

    person = _person(sys.stdin.readline().strip() if id_no == "-" else id_no, name, birth, phone)
    if bool(system and key) == (person is not None):
        raise IdentityError("say either --system and --key of a record, or --id-no, --name, --birth, --phone")
    with connection.connect("builder") as conn:
        what = {"by": "person"} if person is not None else {"by": "record", "system": system}
        audit.append(conn, by or getpass.getuser(), "identity lookup", what)
        conn.commit()
        if person is None:
            rows = lookup.by_record(conn, system, key, stream or None)
            document: dict[str, Any] = {"records": rows}
            resolved = len({row["entity_key"] for row in rows}) == 1
        else:
            answer = lookup.find(conn, person)
            rows = [asdict(match) for match in answer.matches]
            document = {"entity_key": answer.entity_key, "reason": answer.reason, "matches": rows}
            resolved = answer.entity_key is not None
    if as_json:
        output.emit_json(document)
    else:
        output.emit_rows(rows, as_json=False, empty="no such record or person is known")
        if person is not None:
            print(f"{answer.entity_key}: {answer.reason}" if resolved else answer.reason)
    if not resolved:
        raise typer.Exit(1)


def key_(
    key: Annotated[str, typer.Argument(help="A key that an app holds.")],
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """The key that an old key stands for now; exit code 1 when it stands for nobody any more.

    Example: townhub resolve key RABCDEFGHIJKLMNOP
    """
    from resolution import ledger
    from warehouse import connection

    with connection.connect("builder") as conn:
        found = ledger.resolve_key(conn, key)
    if as_json:
        output.emit_json({"key": key, "entity_key": found})
    else:
        print(found or "retired")
    if found is None:
        raise typer.Exit(1)


def _person(id_no: str, name: str, birth: str, phone: str) -> Any:
    from datetime import date

    from resolution.errors import IdentityError
    from resolution.lookup import Person

    if not (id_no or name or birth or phone):
        return None
    try:
        born = date.fromisoformat(birth) if birth else None
    except ValueError:
        raise IdentityError("--birth is no date: write YYYY-MM-DD") from None
    return Person(id_no or None, name or None, born, phone or None)
