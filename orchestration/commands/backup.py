"""`townhub backup` and `townhub restore`: the warehouse in one file, and back."""

from __future__ import annotations

import getpass
import hashlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration import output


def attach(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    to: Annotated[Path, typer.Argument(help="File to write; it must not exist yet.")],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Write all that the warehouse holds into one file that only you can read: rows, keys, decisions, releases, audit.

    Landed rows of isolated streams (the health code) are left out. Loads go on meanwhile, builds wait.

    Example: townhub backup /backups/townhub-2026-07-01.dump
    """
    from warehouse import audit, connection, migrate
    from warehouse import backup as backups

    migrate.upgrade()
    os.close(output.new_file(to))
    try:
        held = backups.dump(to)
        digest = _digest(to)
    except BaseException:
        to.unlink(missing_ok=True)
        raise
    told = {**asdict(held), "bytes": to.stat().st_size, "sha256": digest}
    with connection.connect("auditor") as conn:
        audit.append(conn, by or getpass.getuser(), "warehouse.backup", told)
    _tell({"file": str(to), **told}, as_json)


def restore(
    source: Annotated[Path, typer.Argument(help="File that `townhub backup` wrote.")],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Fill a new warehouse from a backup; what expired since is deleted at once. `townhub run` then goes on from there.

    Example: TOWNHUB_HOME=/srv/townhub townhub restore /backups/townhub-2026-07-01.dump
    """
    from orchestration import deleting
    from warehouse import audit, connection
    from warehouse import backup as backups

    if not source.is_file():
        raise output.CommandError(f"{source} is no file: name one that `townhub backup` wrote")
    told: dict[str, Any] = {**asdict(backups.restore(source)), "sha256": _digest(source)}
    with connection.connect("auditor") as conn:
        audit.append(conn, by or getpass.getuser(), "warehouse.restore", told)
    expired = deleting.delete_expired()
    _tell({"file": str(source), **told, "expired_rows": sum(expired.values())}, as_json)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _tell(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.emit_json(told)
    else:
        output.table(["what", "value"], list(told.items()))
