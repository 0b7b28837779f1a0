"""Stopping what the hub started, and deleting what it wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration import environment, town

WRITTEN = ("dagster", "dbt_target", "docs", "logs", "pictures", "quality", "simulator", "work")
FILES = ("pictures.json", "receiver.json", "receiver.lock", "town.json", "up.json")


def stop_all() -> list[str]:
    """Stop the UI and daemon, the simulated town and the embedded server of this home; returns what was stopped."""
    from orchestration import supervisor
    from warehouse import server
    from warehouse.settings import settings

    stopped = []
    if supervisor.stop_running():
        stopped.append("Dagster's UI and daemon, and the server of pictures")
    if town.stop():
        stopped.append("the simulated town")
    if settings().embedded and server.stop():
        stopped.append("PostgreSQL")
    return stopped


def purge() -> None:
    """Stop everything and delete the data of this home. Raises TownError when the database is not ours to delete.

    Only what the hub wrote is deleted, by name: the home may be a folder that holds other things.
    """
    from warehouse import server
    from warehouse.settings import settings

    if not settings().embedded:
        raise town.TownError(
            "TOWNHUB_DATABASE_URL is set: this database is not the hub's to delete; drop and create it yourself"
        )
    data = server.status().data
    stop_all()
    home = environment.home()
    clusters = [data.parent] if data is not None else []
    for folder in [*clusters, home / "postgres", *(home / name for name in WRITTEN)]:
        _remove(folder)
    for name in FILES:
        (home / name).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
