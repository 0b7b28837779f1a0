"""What commands print: tables for people, JSON for scripts, errors with their remedy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

JSON_OPTION = typer.Option("--json", help="Print one JSON document instead of a table.")


class CommandError(RuntimeError):
    """A command cannot do what was asked; the message says what to do instead."""


def debugging() -> bool:
    return os.environ.get("TOWNHUB_DEBUG", "") not in ("", "0")


def emit_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, ensure_ascii=False, default=_plain))


def keep_in_step(page: Path, text: str, command: str, *, check_only: bool) -> None:
    """Write a page that is made from elsewhere. Raises CommandError when it would change and `check_only` is set."""
    if page.exists() and page.read_text(encoding="utf-8") == text:
        print(f"{page.name} is in step")
    elif check_only:
        raise CommandError(f"{page.name} is not in step with what it is made from; run `{command}`")
    else:
        page.write_text(text, encoding="utf-8")
        print(f"wrote {page.relative_to(page.parents[1])}")


def emit_rows(rows: Sequence[Mapping[str, Any]], *, as_json: bool, title: str = "", empty: str = "nothing") -> None:
    """Rows of equal keys as a table or a JSON list."""
    if as_json:
        emit_json(list(rows))
    elif not rows:
        print(empty)
    else:
        table(list(rows[0]), [list(row.values()) for row in rows], title=title)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """A table on stdout; plain tab-separated lines when it is not a terminal, so that scripts can cut them."""
    if not sys.stdout.isatty():
        if title:
            print(f"# {title}")
        print("\t".join(columns))
        for row in rows:
            print("\t".join(_cell(value) for value in row))
        return
    from rich.console import Console
    from rich.table import Table

    drawn = Table(title=title or None, header_style="bold", title_justify="left")
    data = [list(row) for row in rows]
    for position, name in enumerate(columns):
        numeric = bool(data) and all(isinstance(row[position], int | float | Decimal | None) for row in data)
        drawn.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in data:
        drawn.add_row(*(_escaped(_cell(value)) for value in row))
    Console().print(drawn)


def new_file(path: Path) -> int:
    """A new file that nobody else can read, open for writing; what is there already is never written over.

    Raises CommandError.
    """
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{path} exists already: name another file") from None
    except OSError as error:
        raise CommandError(f"{path} cannot be written ({error.strerror}): name another file") from None


def say(text: str) -> None:
    """A line for people, on stderr, so that stdout stays what was asked for."""
    print(text, file=sys.stderr, flush=True)


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if sys.stdout.isatty() else str(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, list | tuple):
        return ", ".join(_cell(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value).replace("\t", " ").replace("\n", " ")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
