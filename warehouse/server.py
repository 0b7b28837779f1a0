"""The embedded PostgreSQL server: start it, attach to it, stop it.

The server outlives the process that started it (also a kill -9 of it): the next one attaches through the
server's own pid file. Each home has its own server, port and password; starting is serialised by a file lock.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from warehouse.binaries import Binaries, RunUser, ServerError, find_binaries, reachable_copy, run_user
from warehouse.cluster import (
    SUPERUSER,
    Places,
    cluster_folder,
    ensure_initialised,
    explain,
    locked,
    read_json,
    run_tool,
    runtime_folder,
    secret,
    write_configuration,
    write_json,
)
from warehouse.ports import HOST, free_port, is_free
from warehouse.settings import Settings, process_alive, settings

__all__ = ["ServerError", "ServerInfo", "ServerStatus", "ensure_started", "status", "stop"]

START_SECONDS = 300  # recovery after a crash replays up to max_wal_size


@dataclass(frozen=True)
class ServerInfo:
    """How to reach the running embedded server as its superuser."""

    host: str
    port: int
    user: str
    password: str

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}:{quote(self.password, safe='')}@{self.host}:{self.port}"

    def __repr__(self) -> str:  # the password must not reach a log
        return f"ServerInfo(host={self.host!r}, port={self.port}, user={self.user!r})"


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the embedded server without starting it."""

    running: bool
    pid: int | None
    port: int | None
    data: Path | None


@dataclass(frozen=True)
class _PidFile:
    pid: int
    port: int
    ready: bool


def ensure_started(config: Settings | None = None) -> ServerInfo:
    """The running server of this home, started (and made, the first time) if need be.

    Raises ServerError with its remedy: no binaries, a full disk, a home that cannot be written.
    """
    places = _places(config)
    running = _attach(places)
    if running is not None:
        return running
    places.create()
    with locked(places.lock):
        running = _attach(places)  # another process may have started it while we waited
        if running is None:
            _start(places, config or settings())
            running = _attach(places)
    if running is None:
        raise ServerError(
            f"the server stopped right after its start; see the log below {read_json(places.state)['cluster']}"
        )
    return running


def stop(config: Settings | None = None, *, mode: str = "fast") -> bool:
    """Stop this home's server (`fast`, `smart` or `immediate`); False if it was not running."""
    places = _places(config)
    if not places.state.exists():
        return False
    with locked(places.lock):
        folder = Path(read_json(places.state)["cluster"])
        if _read_pid_file(folder / "data") is None:
            return False
        binaries, user = _tools(config or settings())
        arguments = ("stop", "-D", str(folder / "data"), "-m", mode, "-w", "-t", "120", "-s")
        code, output = run_tool(binaries, user, "pg_ctl", *arguments, cwd=folder)
        if code != 0 and _read_pid_file(folder / "data") is not None:
            raise ServerError(explain("the server did not stop", output, folder))
    return True


def status(config: Settings | None = None) -> ServerStatus:
    """Whether this home's server runs, without starting it."""
    cluster = read_json(_places(config).state).get("cluster")
    if cluster is None:
        return ServerStatus(False, None, None, None)
    data = Path(cluster) / "data"
    found = _read_pid_file(data)
    return ServerStatus(found is not None, found.pid if found else None, found.port if found else None, data)


def _places(config: Settings | None) -> Places:
    return Places((config or settings()).home / "postgres")


def _tools(config: Settings) -> tuple[Binaries, RunUser]:
    user = run_user()
    found = find_binaries(config.pg_bin)
    return (found if user.can_reach(found.folder) else reachable_copy(found, user, runtime_folder())), user


def _attach(places: Places) -> ServerInfo | None:
    """The server if it runs and takes connections; reads three small files and no more."""
    cluster = read_json(places.state).get("cluster")
    found = _read_pid_file(Path(cluster) / "data") if cluster else None
    if found is None or not found.ready:
        return None
    return ServerInfo(HOST, found.port, SUPERUSER, secret(places, "password"))


def _read_pid_file(data: Path) -> _PidFile | None:
    """postmaster.pid if its process lives and is this data folder's server (pids are used again after a reboot)."""
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise ServerError(
            f"{data} belongs to another user; run townhub as the user who started it or set TOWNHUB_HOME"
        ) from error
    if len(lines) < 4:
        return None  # being written
    pid = int(lines[0])
    if not process_alive(pid):
        return None
    if os.path.isdir("/proc/self"):
        try:
            if os.path.realpath(os.readlink(f"/proc/{pid}/cwd")) != os.path.realpath(data):
                return None
        except OSError:
            return None  # gone, or somebody else's
    return _PidFile(pid, int(lines[3]), len(lines) >= 8 and lines[7].strip() == "ready")


def _start(places: Places, config: Settings) -> None:
    binaries, user = _tools(config)
    folder = cluster_folder(places, user)
    data = ensure_initialised(places, folder, binaries, user)
    deadline = time.monotonic() + START_SECONDS
    while (found := _read_pid_file(data)) is not None:  # starting or recovering already
        if found.ready:
            return
        if time.monotonic() > deadline:
            raise ServerError(
                f"the server is still recovering after {START_SECONDS} s; look at the log in {data / 'log'} "
                "and try again"
            )
        time.sleep(0.1)
    (data / "postmaster.pid").unlink(missing_ok=True)  # of a dead server: its pid may be another process by now
    for attempt in range(8):
        port = _choose_port(places, fresh=False)
        write_configuration(data, user, port)
        before = time.time()
        log = folder / "start.log"
        log.unlink(missing_ok=True)
        arguments = ("start", "-D", str(data), "-w", "-t", str(START_SECONDS), "-s", "-l", str(log))
        code, output = run_tool(binaries, user, "pg_ctl", *arguments, cwd=folder)
        if code == 0:
            return
        output += _fresh_logs(folder, before)
        if "Address already in use" in output or "could not bind" in output:
            _choose_port(places, fresh=True)
        elif "shared memory block" in output:  # children of a killed server take a moment to notice
            time.sleep(0.25 * (attempt + 1))
        else:
            break
    raise ServerError(explain("the server did not start", output, folder))


def _fresh_logs(folder: Path, since: float) -> str:
    logs = [folder / "start.log", *sorted((folder / "data" / "log").glob("*.log"))]
    recent = [path for path in logs if path.exists() and path.stat().st_mtime >= since - 1]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace")[-4000:] for path in recent)


def _choose_port(places: Places, *, fresh: bool) -> int:
    """The remembered port if it is free, else a free one, remembered."""
    state = read_json(places.state)
    remembered = state.get("port")
    if remembered and not fresh and is_free(int(remembered)):
        return int(remembered)
    port = free_port("set TOWNHUB_DATABASE_URL to a running server")
    write_json(places.state, {**state, "port": port})
    return port
