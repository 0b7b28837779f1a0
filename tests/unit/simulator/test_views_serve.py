"""The process of the simulated town, read by the hub's own protocols: all rows arrive, all planted faults are found."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import polars as pl
import psycopg
import pytest

from connectors.conform import Conformer
from connectors.contract_folder import load_contracts
from connectors.protocols import open_extraction
from connectors.protocols.base import Pull
from connectors.protocols.webhook import Receiver
from connectors.variables import resolve_server
from simulator.client import Client

REPOSITORY = Path(__file__).parents[3]
STREAMS = [(contract.id, stream) for contract in load_contracts().values() for stream in contract.streams]


@pytest.fixture(scope="module")
def running(server_url: str, database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A town of 3,300 that serves and has pushed its messages, with its status, client and answer key."""
    name = f"townhub_up_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    home = tmp_path_factory.mktemp("home")
    receiver = Receiver()
    receiver.start()
    names = {
        "TOWNHUB_UPSTREAM_DATABASE_URL": urlunsplit(urlsplit(server_url)._replace(path="/" + name)),
        "TOWNHUB_WEBHOOK_URL": receiver.url,
    }
    command = [sys.executable, "-m", "simulator", "--home", str(home), "serve", "--scale", "0.01", "--seed", "8"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env={**os.environ, **names}, stderr=subprocess.PIPE)
    try:
        status = _ready(process, home)
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in status["environment"].items():
                patch.setenv(variable, value)
            _until(process, home, lambda now: now["outbox"] == 0)
            client = Client(home)
            client.truth(home / "truth")
            yield {"home": home, "status": status, "client": client, "process": process}
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        receiver.stop()
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        with psycopg.connect(database) as connection:
            connection.execute("delete from inbox.message")


def _ready(process: subprocess.Popen[bytes], home: Path) -> dict[str, Any]:
    return _until(process, home, lambda now: bool(now["ready"]))


def _until(process: subprocess.Popen[bytes], home: Path, enough: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        path = home / "simulator" / "status.json"
        if path.exists() and enough(status := json.loads(path.read_text(encoding="utf-8"))):
            return dict(status)
        time.sleep(0.1)
    raise AssertionError("the town was not ready within 90 s")


def test_the_environment_holds_every_name_of_every_contract(running: dict[str, Any]) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (REPOSITORY / "connectors" / "systems").glob("*.odcs.yaml")]
    assert set(re.findall(r"\$\{(\w+)\}", "".join(texts))) == set(running["status"]["environment"])


@pytest.mark.parametrize(("system", "name"), STREAMS)
def test_every_row_arrives_and_every_planted_fault_is_found(running: dict[str, Any], system: str, name: str) -> None:
    contract = load_contracts()[system]
    stream = contract.streams[name]
    server = resolve_server(contract.server_of(stream))
    conform, found, rows = Conformer(stream, server), Counter[tuple[str, str]](), 0
    with open_extraction(Pull(stream, server)) as extraction:
        for page in extraction.pages():
            rows += page.frame.height + len(page.bad)
            # what the format cannot read has no columns: of the planted faults only undecodable text
            found.update(("full_address", bad.reason) for bad in page.bad)
            for (column, reason, _), count in conform(page.frame).outcomes.items():
                found[column, reason] += count
        extraction.acknowledge()
    defects = pl.read_parquet(running["home"] / "truth" / "defects.parquet").filter(
        (pl.col("system") == system) & (pl.col("stream") == name) & (pl.col("kind") != "repeated_row")
    )
    assert rows > 0
    assert +found == Counter(zip(defects["column"], defects["kind"], strict=True))


def test_a_second_town_in_the_same_home_is_refused(running: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "simulator", "--home", str(running["home"]), "serve"]
    environment = {**os.environ, "TOWNHUB_UPSTREAM_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    answer = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, check=False)
    assert answer.returncode == 1 and "already" in answer.stderr.decode()


def test_faults_of_unknown_systems_are_refused(running: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match="unknown system"):
        running["client"].set_fault("police_911", "dead")


def test_a_day_passes_and_sigterm_ends_it_leaving_the_town(running: dict[str, Any]) -> None:
    answer = running["client"].advance(1)
    assert answer["today"] == "2026-07-01" and "four_platform.events" in answer["changed"]
    status = json.loads((running["home"] / "simulator" / "status.json").read_text(encoding="utf-8"))
    assert status["today"] == "2026-07-01"
    running["process"].send_signal(signal.SIGTERM)
    assert running["process"].wait(20) == 0
    assert not (running["home"] / "simulator" / "status.json").exists()
    assert json.loads((running["home"] / "simulator" / "world" / "world.json").read_text())["today"] == "2026-07-01"
    with pytest.raises(RuntimeError, match="townhub simulate serve"):
        Client(running["home"])
