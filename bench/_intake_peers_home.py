"""The environment of the peers: given, made once in a cache under TOWNHUB_HOME, or left out with a word about it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from warehouse.settings import settings

REQUIREMENTS = Path(__file__).with_name("peers.txt")


def peers_python(wanted: str) -> tuple[Path | None, list[str]]:
    """The peers' Python, None without peers, and what a reader of the result must know.

    `wanted` is a folder, `cache` or `none`.
    """
    if wanted == "none":
        return None, ["without peers: --peers none"]
    home = settings().home / "cache" / "bench-peers" if wanted == "cache" else Path(wanted)
    python = home / "bin" / "python"
    if wanted == "cache" and not (home / "complete").exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            subprocess.run([str(python), "-m", "pip", "install", "-q", "-r", str(REQUIREMENTS)], check=True)
            (home / "complete").touch()
        except (OSError, subprocess.CalledProcessError):
            return None, ["without peers: bench/peers.txt could not be installed"]
    if not python.exists():
        return None, [f"without peers: {wanted} is no Python environment; make one with bench/peers.txt"]
    pins = [line.strip() for line in REQUIREMENTS.read_text().splitlines() if "==" in line]
    return python, [*pins, "without Sling: its package fetches a program that pip does not bring"]
