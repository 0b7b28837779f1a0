"""dbt works in a process that ends with the hub, and whoever waits for it is told when it has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from orchestration import dbt_process, manifest
from orchestration.dbt_process import BuildError
from warehouse import connection
from warehouse.settings import REPOSITORY, process_alive

PATIENCE_SECONDS = 30

HUB = """
import sys, threading
from orchestration import dbt_process, manifest
dbt_process.make_ready()
print(dbt_process._process()._process.pid, flush=True)
if sys.argv[1] == "asks":
    dbt_process.invoke(["build", "--select", "townhub.core", *manifest.arguments(manifest.target_folder())], [])
threading.Event().wait()
"""


@pytest.fixture
def hub(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path / "home"))
    dbt_process.stop()
    yield
    dbt_process.stop()


def arguments(command: str, *selected: str) -> list[str]:
    return [command, "--select", *selected, *manifest.arguments(manifest.target_folder())]


def test_it_tells_what_was_built_and_what_could_not_run(hub: None) -> None:
    made = dbt_process.invoke(arguments("build", "water_classes"), [])[0]
    assert (made.unique_id, made.status) == ("seed.townhub.water_classes", "success")
    with connection.connect("builder") as conn:
        assert conn.execute("SELECT count(*) > 0 FROM core.water_classes").fetchone() == (True,)
    with pytest.raises(BuildError, match=r"dbt did not run: \w+; try `dbt debug`"):
        dbt_process.invoke(arguments("no_such_command"), [])
    assert dbt_process.invoke(arguments("build", "water_classes"), [])[0].passed, "the process goes on"


def test_who_waits_for_it_is_told_that_it_was_stopped(hub: None) -> None:
    told: list[BaseException] = []

    def ask() -> None:
        try:
            dbt_process.invoke(arguments("build", "townhub.core"), [])
        except BuildError as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    dbt_process.stop()
    asking.join(PATIENCE_SECONDS)
    assert "has ended; run it again" in str(told[0])
    assert dbt_process.invoke(arguments("build", "water_classes"), [])[0].passed, "the next question starts another"


@pytest.mark.parametrize("then", ["rests", "asks"])
def test_it_ends_with_a_hub_that_was_killed(hub: None, then: str) -> None:
    with subprocess.Popen([sys.executable, "-c", HUB, then], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as own:
        assert own.stdout is not None
        pid = int(own.stdout.readline())
        time.sleep(1.0)
        assert process_alive(pid)
        own.kill()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    ended = not process_alive(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    assert ended
