"""The file by which the hub finds the simulated town: written whole or not at all, readable by its owner alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def path(home: Path) -> Path:
    return home / "simulator" / "status.json"


def write(home: Path, status: dict[str, Any]) -> None:
    """Replace the status; it holds the session's demo secrets, hence mode 0600."""
    target = path(home)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name("status.json.tmp")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(status, file, ensure_ascii=False, indent=1)
    draft.replace(target)


def read(home: Path) -> dict[str, Any] | None:
    """The status of a town whose process is alive, else None."""
    try:
        status: dict[str, Any] = json.loads(path(home).read_text(encoding="utf-8"))
        os.kill(int(status["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return status


def remove(home: Path) -> None:
    """Take the status away if it is this process's own."""
    status = read(home)
    if status is not None and status["pid"] == os.getpid():
        path(home).unlink(missing_ok=True)
