"""`townhub up`: Dagster's web server and daemon and the server of pictures as child processes, watched, and dead runs
closed meanwhile."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestration import environment, recovery

HOST = "127.0.0.1"
LOOK_SECONDS = 5.0
"""How often children and dead runs are looked at; a dead run is found within twice this."""
PATIENCE_SECONDS = 20.0
REST_SECONDS = 5.0
RESTARTS = 5
"""A child that died more often than this is not started again: something is wrong that a person must see."""


class SupervisorError(RuntimeError):
    """A child process does not stay up; the message names its log."""


@dataclass
class Child:
    """One supervised process; it leads a session of its own, so that a Ctrl-C reaches it through us alone."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    @property
    def log(self) -> Path:
        return environment.log_folder() / f"{self.name}.log"

    def start(self) -> None:
        # Dagster's children import the hub's packages from here, wherever the command was called.
        path = os.pathsep.join(filter(None, [str(environment.REPOSITORY), os.environ.get("PYTHONPATH", "")]))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=environment.REPOSITORY, env={**os.environ, "PYTHONPATH": path},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self.starts += 1

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


def dagster_children(port: int) -> list[Child]:
    """The web server on loopback (Dagster has no login) and the daemon."""
    workspace = str(environment.WORKSPACE)
    return [
        Child("webserver", [sys.executable, "-m", "dagster_webserver", "-w", workspace, "-h", HOST, "-p", str(port)]),
        Child("daemon", [sys.executable, "-m", "dagster._daemon", "run", "-w", workspace]),
    ]


@dataclass
class Supervisor:
    """Keeps children running until it is told to stop."""

    children: list[Child]
    each_look: Callable[[], None]
    stopping: bool = field(default=False, init=False)

    def run(self) -> None:
        """Start the children and watch them until a signal. Raises SupervisorError when one dies again and again."""
        with self._signals():
            try:
                for child in self.children:
                    child.start()
                self._note()
                while not self.stopping:
                    self._look()
                    self._sleep(LOOK_SECONDS)
            finally:
                for child in self.children:
                    if child.process is not None:
                        end_process(child.process.pid, child.process)
                _pid_file().unlink(missing_ok=True)

    def _look(self) -> None:
        for child in self.children:
            if not child.alive:
                if child.starts > RESTARTS:
                    raise SupervisorError(f"the process {child.name} does not stay up; see {child.log}")
                child.start()
                self._note()
        self.each_look()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.2)

    def _note(self) -> None:
        """Remember who runs, so that `townhub down` finds the children even after a kill -9 of this process."""
        pids = [os.getpid(), *(child.process.pid for child in self.children if child.process is not None)]
        entries = [{"pid": pid, "started": recovery.process_started(pid), "boot": recovery.boot_id()} for pid in pids]
        _pid_file().write_text(json.dumps(entries), encoding="utf-8")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(signum: int, frame: object) -> None:
            self.stopping = True

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def running() -> list[int]:
    """Process ids of a `townhub up` of this home that are alive: itself first, then its children."""
    try:
        entries = json.loads(_pid_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [
        int(entry["pid"])
        for entry in entries
        if entry["boot"] == recovery.boot_id() and recovery.process_started(int(entry["pid"])) == entry["started"]
    ]


def stop_running() -> bool:
    """Stop a `townhub up` of this home, or the children that one left behind; False if there was none."""
    pids = running()
    for pid in pids:
        end_process(pid)
    _pid_file().unlink(missing_ok=True)
    return bool(pids)


def end_process(pid: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """End a process politely, then what is left of its session (Dagster's code servers), and after a while by force."""
    leads = _leads_session(pid)
    _send(signal.SIGTERM, pid)
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until and not _gone(pid, process):
        time.sleep(0.1)
    if leads:
        # A web server that is told to stop while its code server is still loading leaves it behind, and that one
        # may not hear a SIGTERM either.
        _send(signal.SIGTERM, -pid)
        until = time.monotonic() + REST_SECONDS
        while time.monotonic() < until and _group_lives(pid):
            time.sleep(0.1)
        _send(signal.SIGKILL, -pid)
    elif not _gone(pid, process):
        _send(signal.SIGKILL, pid)
    if process is not None:
        process.wait(5)


def _gone(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    return process.poll() is not None if process is not None else recovery.process_started(pid) is None


def _group_lives(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except OSError:
        return False
    return True


def _leads_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def _send(number: int, target: int) -> None:
    """Signal a process, or with a negative number its whole group (which cannot be reused while a member lives)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if target < 0:
            os.killpg(-target, number)
        else:
            os.kill(target, number)


def _pid_file() -> Path:
    return environment.home() / "up.json"
