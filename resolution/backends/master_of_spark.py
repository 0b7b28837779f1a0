"""Whether a Spark cluster is there and works for us: Spark by itself would wait for it, for ever."""

from __future__ import annotations

import socket
import threading
from typing import Any

from resolution.backends import BackendError

CONNECT = 5.0
"""Seconds in which a standalone master has to answer."""
PATIENCE = 300.0
"""Seconds until the cluster has to run a first task; a pod may have to fetch its image."""
REMEDY = "see that it and its workers run (docs/handbook.md, Residents on Spark), or set resolution.backend to duckdb"


def answers(master: str) -> None:
    """Raises BackendError unless one of the standalone masters of the URL (spark://a:7077,b:7077) can be reached."""
    if not master.startswith("spark://"):
        return
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT):
                return
        except OSError:
            continue
    raise BackendError(f"nothing answers at {master}: {REMEDY}")


def gives_an_executor(session: Any) -> None:
    """Raises BackendError unless the cluster has run a task for us within `PATIENCE`."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    context = session.sparkContext
    late = threading.Event()

    def give_up() -> None:
        late.set()
        context.cancelAllJobs()

    timer = threading.Timer(PATIENCE, give_up)
    timer.daemon = True
    timer.start()
    try:
        session.range(1).count()
    except (PySparkException, Py4JError) as error:
        waited = f"has run nothing for us in {PATIENCE:g} seconds" if late.is_set() else "cannot run anything for us"
        session.stop()
        raise BackendError(f"Spark at {context.master} {waited}: {REMEDY}") from error
    finally:
        timer.cancel()
