"""Children are kept running, end with their whole session, and are found again after a kill -9 of their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestration import recovery, supervisor

SLEEP = "import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
WITH_CHILD = (
    f"import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', {DEAF!r}]); "
    "open(sys.argv[1], 'w').write(str(c.pid)); time.sleep(60)"
)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))


def _wait(condition: object, seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.05)
    assert condition()  # type: ignore[operator]


def test_a_process_ends_with_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "REST_SECONDS", 0.5)
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", WITH_CHILD, str(note)], start_new_session=True)
    _wait(lambda: note.exists() and note.read_text() != "")
    child = int(note.read_text())
    supervisor.end_process(parent.pid, parent)
    assert parent.poll() is not None
    _wait(lambda: recovery.process_started(child) is None)


def test_a_dead_child_is_started_again_and_a_hopeless_one_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOOK_SECONDS", 0.2)
    steady = supervisor.Child("steady", [sys.executable, "-c", SLEEP])
    hopeless = supervisor.Child("hopeless", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(supervisor.SupervisorError, match="hopeless does not stay up"):
        supervisor.Supervisor([steady, hopeless], lambda: None).run()
    assert hopeless.starts == supervisor.RESTARTS + 1
    assert steady.starts == 1 and not steady.alive
    assert supervisor.running() == []


def test_what_a_killed_parent_left_is_stopped() -> None:
    code = (
        "import sys; from orchestration import supervisor as s; "
        f"s.Supervisor([s.Child('left', [sys.executable, '-c', {SLEEP!r}])], lambda: None).run()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    parent = subprocess.Popen([sys.executable, "-c", code], env=environment)
    _wait(lambda: len(supervisor.running()) == 2)
    left = supervisor.running()[1]
    parent.kill()
    parent.wait()
    assert supervisor.running() == [left]
    assert supervisor.stop_running()
    _wait(lambda: recovery.process_started(left) is None)
    assert not supervisor.stop_running()
