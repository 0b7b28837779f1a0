"""Serving the folder of pictures on loopback while `townhub up` runs, and knowing where."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration import environment, supervisor
from warehouse.ports import HOST, free_port, is_free

if TYPE_CHECKING:
    from orchestration.supervisor import Child


def child(beside: int) -> Child:
    """The process that serves the pictures, on the port after the UI's, or on another where that one is taken."""
    port = beside + 1 if beside < 65535 and is_free(beside + 1) else free_port("end a program that listens there")
    folder = environment.home() / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    _file().write_text(json.dumps({"port": port}), encoding="utf-8")
    return supervisor.Child("pictures", [sys.executable, "-m", "pictures.serve", str(folder), str(port)])


def url() -> str | None:
    """Where the pictures are served now; None while `townhub up` does not run."""
    if not supervisor.running():
        return None
    try:
        return f"http://{HOST}:{int(json.loads(_file().read_text(encoding='utf-8'))['port'])}"
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _file() -> Path:
    return environment.home() / "pictures.json"
