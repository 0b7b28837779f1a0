"""dbt works in a process that ends with the hub, and whoever waits for it is told when it has ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import psycopg
import pytest

from orchestration import dbt_process, manifest
from orchestration.dbt_process import BuildError
from tests.conftest import clone, own_database
from warehouse import connection
from warehouse.settings import REPOSITORY, process_alive

PATIENCE_SECONDS = 30

HUB = """
import threading
from orchestration import dbt_process, manifest
dbt_process.make_ready()
print(dbt_process._dbt.pid, flush=True)
dbt_process.invoke(
    ["build", "--select", "water_classes", *manifest.arguments(manifest.target_folder())]
)
print("built", flush=True)
threading.Event().wait()
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE relation = 'core.water_classes'::regclass AND NOT granted"


@pytest.fixture(scope="module")
def home(
    server_url: str, template: str, parsed_project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A home whose project is parsed already, as it is for a database of this name."""
    made = tmp_path_factory.mktemp("home")
    shutil.copytree(parsed_project, made / "dbt_target")
    with clone(server_url, template, own_database()):
        yield made


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TOWNHUB_HOME", str(home))
    dbt_process.stop()
    yield
    dbt_process.stop()


def arguments(command: str, *selected: str) -> list[str]:
    return [command, "--select", *selected, *manifest.arguments(manifest.target_folder())]


def test_it_tells_what_was_built_and_what_could_not_run(hub: None) -> None:
    made = dbt_process.invoke(arguments("build", "water_classes"))[0]
    assert (made.unique_id, made.status) == ("seed.townhub.water_classes", "success")
    with connection.connect("builder") as conn:
        assert conn.execute("SELECT count(*) > 0 FROM core.water_classes").fetchone() == (True,)
    with pytest.raises(BuildError, match=r"dbt did not run: \w+; try `dbt debug`"):
        dbt_process.invoke(arguments("no_such_command"))
    assert dbt_process.invoke(arguments("build", "water_classes"))[0].passed, "the process goes on"


@contextmanager
def table_in_use() -> Iterator[psycopg.Connection]:
    """Nobody else comes to the seed's table before the block ends."""
    assert dbt_process.invoke(arguments("build", "water_classes"))[0].passed
    with connection.connect("builder") as conn:
        conn.execute("LOCK TABLE core.water_classes")
        yield conn


def wait_until(conn: psycopg.Connection, waiting: int) -> None:
    """So many sessions wait for the table."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while conn.execute(WAITING).fetchone() != (waiting,):
        assert time.monotonic() < deadline, f"never {waiting}"
        time.sleep(0.05)


def test_who_waits_for_it_is_told_that_it_was_stopped_and_its_statement_ends(hub: None) -> None:
    told: list[BaseException] = []

    def ask() -> None:
        try:
            dbt_process.invoke(arguments("build", "water_classes"))
        except BuildError as error:
            told.append(error)

    asking = threading.Thread(target=ask)
    with table_in_use() as conn:
        asking.start()
        wait_until(conn, 1)
        dbt_process.stop()
        asking.join(PATIENCE_SECONDS)
        assert "has ended (it was stopped); run it again" in str(told[0])
        wait_until(conn, 0)
    assert dbt_process.invoke(arguments("build", "water_classes"))[0].passed, "the next question starts another"


def test_it_tells_why_it_could_not_do_its_work(hub: None, monkeypatch: pytest.MonkeyPatch) -> None:
    told = arguments("build", "water_classes")
    assert dbt_process.invoke(told)[0].passed
    monkeypatch.setenv("TOWNHUB_DATABASE_URL", "http://no.database")
    with pytest.raises(BuildError, match="TOWNHUB_DATABASE_URL must look like"):
        dbt_process.invoke(told)


@pytest.mark.parametrize("at_work", [True, False])
def test_it_ends_with_a_hub_that_was_killed(hub: None, at_work: bool) -> None:
    with (
        table_in_use() if at_work else nullcontext() as conn,
        subprocess.Popen([sys.executable, "-c", HUB], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as own,
    ):
        assert own.stdout is not None
        pid = int(own.stdout.readline())
        if conn is None:
            assert own.stdout.readline() == "built\n"
        else:
            wait_until(conn, 1)
        assert process_alive(pid)
        own.kill()
        if conn is not None:
            wait_until(conn, 0)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    ended = not process_alive(pid)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    assert ended
