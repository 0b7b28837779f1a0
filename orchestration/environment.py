"""What must stand in the process environment before Dagster, dbt, GX or a protocol is used.

Light on purpose: the `townhub` command and the definitions import it first.
"""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

from warehouse.settings import ConfigurationError, process_alive, settings

REPOSITORY = Path(__file__).resolve().parent.parent
DBT_PROJECT = REPOSITORY / "dbt_project"
WORKSPACE = REPOSITORY / "workspace.yaml"
INSTANCE_TEMPLATE = REPOSITORY / "dagster.yaml"

QUIET = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
    "DO_NOT_TRACK": "1",
    # Events of one step are written in one statement instead of one by one: the event log is the larger
    # part of Dagster's overhead here.
    "DAGSTER_EVENT_BATCH_SIZE": "500",
}
"""No telemetry leaves the hub; see docs of the single tools for the names."""
FOLDERS = ("TOWNHUB_HOME", "TOWNHUB_PG_BIN")


def home() -> Path:
    """The folder of everything this hub writes, made if it is missing."""
    folder = settings().home
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"the hub's folder {folder} cannot be made ({error.strerror}); set TOWNHUB_HOME to a folder you may write"
        ) from error
    return folder


def dagster_home() -> Path:
    """The folder of Dagster's instance, with the checkout's dagster.yaml copied into it."""
    folder = home() / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    target, wanted = folder / "dagster.yaml", INSTANCE_TEMPLATE.read_text(encoding="utf-8")
    if not target.exists() or target.read_text(encoding="utf-8") != wanted:
        target.write_text(wanted, encoding="utf-8")
    return folder


def log_folder() -> Path:
    folder = home() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def apply() -> None:
    """Set what every hub process needs: telemetry off, Dagster's home and the database it stores its events in.

    Starts the embedded server, because Dagster's address holds its port and password. The address is given by
    the environment, so that no password is ever written into dagster.yaml.
    """
    from warehouse import connection

    quiet()
    os.environ["DAGSTER_HOME"] = str(dagster_home())
    os.environ["TOWNHUB_DAGSTER_URL"] = _relaxed(connection.url("dagster", driver="psycopg2"))
    load_simulated()


def _relaxed(address: str) -> str:
    """The address with asynchronous commits: Dagster commits some statements for every event, and what an operating
    system's crash may lose is the last moment of a log, never anything of the town (the warehouse stays durable).
    """
    return f"{address}{'&' if '?' in address else '?'}options=-csynchronous_commit%3Doff"


def quiet() -> None:
    """Telemetry off, event batching on and folders absolute, for this process and its children, who work elsewhere."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in FOLDERS:
        if folder := os.environ.get(name, "").strip():
            os.environ[name] = str(Path(folder).expanduser().resolve())


def collect_seldom() -> None:
    """Have Python look for garbage in cycles after fifty thousand new objects, not after seven hundred.

    A million objects of Dagster, or of dbt, live as long as the process, and looking through them again and again,
    while all its threads wait, took an eighth of the hub's processor time. Little of what we make forms cycles; the
    rest goes at once anyway.
    """
    gc.set_threshold(50_000, 20, 100)


def simulator_status() -> dict[str, Any] | None:
    """The simulated town's status file, while the process that wrote it is alive."""
    try:
        status = json.loads((settings().home / "simulator" / "status.json").read_text(encoding="utf-8"))
        alive = process_alive(int(status["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return status if alive else None


def load_simulated() -> bool:
    """Point the contracts' `${NAME}`s at the simulated town while it is alive; False without one.

    Read again before every pull: a town that was started anew listens elsewhere and has new secrets.
    """
    status = simulator_status()
    if status is None:
        return False
    os.environ.update({name: str(value) for name, value in status.get("environment", {}).items()})
    return True
