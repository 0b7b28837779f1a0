"""The simulated town as the command sees it: a process with a status file and a control interface on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from orchestration import environment

READY_SECONDS = 300
STILL_SECONDS = 5
"""An outbox that did not shrink for so long waits for something else than us (e.g. for a subscriber)."""


class TownError(RuntimeError):
    """The simulated town does not do what it should; the message names the remedy."""


def required_status() -> dict[str, Any]:
    """The running town's status. Raises TownError when there is none."""
    status = environment.simulator_status()
    if status is None:
        raise TownError("no simulated town is running; start one with `townhub simulate serve` or `townhub demo`")
    return status


def start(scale: float, seed: int) -> subprocess.Popen[bytes]:
    """Start the town as a process of its own that outlives this one; its output goes to <home>/logs.

    The exchange tables it fills live in the `upstream` database beside the warehouse, under a login of its own.
    """
    from orchestration import receiving
    from warehouse import connection

    status_file = environment.home() / "simulator" / "status.json"
    status_file.unlink(missing_ok=True)
    surroundings = {
        **os.environ,
        "TOWNHUB_HOME": str(environment.home()),
        "TOWNHUB_UPSTREAM_DATABASE_URL": connection.ensure_upstream(),
        "TOWNHUB_WEBHOOK_URL": receiving.url(),
    }
    command = [sys.executable, "-m", "simulator", "serve", "--scale", f"{scale:g}", "--seed", str(seed)]
    command += ["--home", str(environment.home())]
    with (environment.log_folder() / "simulator.log").open("ab") as log:
        return subprocess.Popen(
            command, env=surroundings, cwd=environment.REPOSITORY, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def wait_ready(process: subprocess.Popen[bytes] | None, note: Callable[[str], None]) -> dict[str, Any]:
    """Wait until every server of the town answers. Raises TownError when it died or took too long."""
    deadline, said = time.monotonic() + READY_SECONDS, ""
    while time.monotonic() < deadline:
        status = environment.simulator_status()
        if status and status.get("ready"):
            return status
        if process is not None and process.poll() is not None:
            raise TownError(f"the simulated town ended with code {process.returncode}; see {_log()}")
        stage = str((status or {}).get("stage", "the town is being made"))
        if stage != said:
            note(stage)
            said = stage
        time.sleep(0.1)
    raise TownError(f"the simulated town was not ready within {READY_SECONDS} s; see {_log()}")


def wait_delivered(note: Callable[[str], None]) -> int:
    """Wait until the town's pushed messages are delivered; returns how many still wait."""
    last, since = -1, time.monotonic()
    while True:
        left = int((environment.simulator_status() or {}).get("outbox", 0))
        if left == 0 or (left == last and time.monotonic() - since > STILL_SECONDS):
            return left
        if left != last:
            last, since = left, time.monotonic()
            note(f"{left:,} pushed messages on their way")
        time.sleep(0.2)


def control(method: str, path: str, body: dict[str, Any] | None = None, *, timeout: float = 600) -> Any:
    """Ask the running town's control interface. Raises TownError with the town's own message."""
    status = required_status()
    if "control_url" not in status:
        raise TownError("the simulated town is still being made and takes no orders yet; try again in half a minute")
    request = urllib.request.Request(
        str(status["control_url"]).rstrip("/") + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {status.get('control_token', '')}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise TownError(f"the simulated town refused: {error.read().decode(errors='replace')[:500]}") from None
    except OSError as error:
        raise TownError(f"the simulated town does not answer ({error}); see {_log()}") from None
    return json.loads(text) if text else {}


def advance(days: int) -> dict[str, Any]:
    """Let the town live on; returns its answer with the new day."""
    return dict(control("POST", "/advance", {"days": days}))


def stop(seconds: float = 30) -> bool:
    """Ask the running town to end and wait for it; False when there was none."""
    from warehouse.settings import process_alive

    status = environment.simulator_status()
    if status is None:
        return False
    pid = int(status["pid"])
    try:
        control("POST", "/stop", {}, timeout=10)
    except TownError:
        os.kill(pid, 15)  # it is ours: the pid stands in our home's status file and is alive
    deadline = time.monotonic() + seconds
    while process_alive(pid) and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(0.1)
    if process_alive(pid):
        raise TownError(f"the simulated town (process {pid}) does not end; see {_log()}")
    return True


def _reap(pid: int) -> None:
    """A town that this very process started stays a zombie, and so "alive", until it is waited for."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _log() -> str:
    return str(environment.log_folder() / "simulator.log")
