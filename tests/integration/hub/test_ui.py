"""`townhub up`: what a data engineer finds in the Dagster UI, a killed run that is closed, and Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from connectors.contract_folder import load_contracts
from orchestration import recovery
from pictures.catalogue import PICTURES
from tests.browser import CHROMIUM, FLAGS, WITHOUT

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.integration.hub.conftest import Hub, Stage

CLOSED_WITHIN = 15.0
SLOW = "pension"
"""A system whose turn is once a month: no schedule of the daemon takes it in beside the test."""
ASSETS = "{ assetNodes { assetKey { path } groupName description owners { ... on TeamAssetOwner { team } } } }"
RUNS = '{ runsOrError(filter: {tags: [{key: "%s", value: "%s"}]}) { ... on Runs { results { status } } } }'


@dataclass(frozen=True)
class Up:
    """A `townhub up` that runs, and its web server."""

    process: subprocess.Popen[bytes]
    url: str

    def ask(self, query: str) -> Any:
        answer = httpx.post(f"{self.url}/graphql", json={"query": query}, timeout=60, trust_env=False).json()
        assert "errors" not in answer, answer
        return answer["data"]


def _eventually(true: Callable[[], bool], seconds: float) -> float:
    """Seconds until it was true; fails when it never was."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.25)
    return time.monotonic() - began


def _start(hub: Hub, log: Path, *words: str) -> subprocess.Popen[bytes]:
    """A `townhub` command in the background, its output in a file."""
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *words],
            cwd=Path(__file__).resolve().parents[3], env=hub.surroundings(), stdin=subprocess.DEVNULL, stdout=out,
            stderr=out, start_new_session=True,
        )  # fmt: skip


def _dagster_processes(hub: Hub) -> list[int]:
    """Every process of Dagster's that belongs to this home, code servers included."""
    home, found = f"TOWNHUB_HOME={hub.home}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"dagster" in (folder / "cmdline").read_bytes() and home in (folder / "environ").read_bytes().split(
                b"\0"
            ):
                found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def up(hub: Hub, first: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("up") / "up.log"
    running = Up(_start(hub, log, "up", "--port", str(port)), f"http://127.0.0.1:{port}")

    def answers() -> bool:
        assert running.process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{running.url}/server_info", timeout=5, trust_env=False).status_code == 200
        return False

    try:
        _eventually(answers, 120)
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
            running.process.wait(60)


def test_every_stream_is_an_asset_with_owner_and_description(up: Up) -> None:
    nodes = {tuple(node["assetKey"]["path"]): node for node in up.ask(ASSETS)["assetNodes"]}
    for contract in load_contracts().values():
        for stream in contract.streams:
            key = ("landing", contract.id, stream)
            assert (key in nodes) == contract.enabled
            if contract.enabled:
                assert contract.owner in nodes[key]["description"]
                assert contract.legal_basis in nodes[key]["description"]
                assert nodes[key]["owners"]
    assert {("resolution", "residents"), ("gate", "safety"), ("serving", "safety"), ("serving", "welfare")} <= set(
        nodes
    )


def test_a_second_up_is_refused(hub: Hub, up: Up) -> None:
    assert "townhub down" in hub.refusal("up", "--port", "1")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason=WITHOUT)
def test_the_lineage_and_an_asset_as_people_see_them(up: Up, tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    contract = load_contracts()["police_110"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1600, "height": 1000})
            _open(page, f"{up.url}/asset-groups/")
            for group in ("staging", "serving"):
                page.get_by_text(group, exact=False).first.wait_for(timeout=30_000)
            page.screenshot(path=tmp_path / "lineage.png")
            _open(page, f"{up.url}/assets/landing/police_110/incidents")
            page.get_by_text("incidents", exact=False).first.wait_for(timeout=30_000)
            page.get_by_text(contract.legal_basis, exact=False).first.wait_for(timeout=30_000)
            page.get_by_text(contract.owner, exact=False).first.wait_for(timeout=30_000)
            page.screenshot(path=tmp_path / "asset.png")
            _open(page, f"{up.url}/assets/pictures/grid_map?view=overview")
            page.get_by_text("Show Markdown").first.click(timeout=30_000)
            preview = page.locator("img[src^='data:image/svg+xml']").first
            preview.wait_for(timeout=30_000)
            assert preview.evaluate("image => image.naturalWidth") > 100
        finally:
            browser.close()
    assert (tmp_path / "lineage.png").stat().st_size > 10_000
    assert (tmp_path / "asset.png").stat().st_size > 10_000


def test_pictures_are_served_beside_the_ui_and_status_says_where(hub: Hub, up: Up) -> None:
    told = hub.command("status").stdout.splitlines()[-1]
    address = told.removeprefix("pictures: ")
    assert address.startswith("http://127.0.0.1:") and address in hub.command("pictures").stdout

    def answers() -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(address, timeout=5, trust_env=False).status_code == 200
        return False

    _eventually(answers, 20)
    for page in PICTURES:
        answer = httpx.get(f"{address}/{page}.html", timeout=5, trust_env=False)
        assert answer.status_code == 200 and PICTURES[page].chinese in answer.text
    assert httpx.get(f"{address}/../town.json", timeout=5, trust_env=False).status_code == 404


def _open(page: Page, url: str) -> None:
    answer = page.goto(url, timeout=60_000)
    assert answer is not None
    assert answer.ok


def test_a_killed_run_is_closed_within_seconds(hub: Hub, up: Up, tmp_path: Path) -> None:
    """kill -9 of the process that executes a run, while it waits for an upstream system that says nothing."""
    running = "SELECT count(*) FROM control.load WHERE state = 'running' AND pid = %s"
    hub.answer("simulate", "faults", SLOW, "timeout", "--option", "seconds=120", "--option", "after=0")
    worker = _start(hub, tmp_path / "run.log", "run", "--select", SLOW)
    try:
        _eventually(lambda: hub.value(running, worker.pid) == 1, 60)
    finally:
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        hub.answer("simulate", "faults", "--clear")
    ours = RUNS % (recovery.TAGS["pid"], worker.pid)
    assert hub.value("SELECT state FROM control.load WHERE pid = %s", worker.pid) in ("running", "failed")

    def states() -> list[str]:
        return [run["status"] for run in up.ask(ours)["runsOrError"]["results"]]

    assert states()
    _eventually(lambda: set(states()) <= {"FAILURE", "CANCELED"}, CLOSED_WITHIN)
    _eventually(lambda: hub.value(running, worker.pid) == 0, CLOSED_WITHIN)
    assert hub.rows("SELECT state, error FROM control.load WHERE pid = %s", worker.pid) == [
        ("failed", "the process of this load died; the next run takes its work up again")
    ]


def test_ctrl_c_ends_every_child(hub: Hub, up: Up) -> None:
    children = _dagster_processes(hub)
    assert len(children) >= 2
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0
    _eventually(lambda: _dagster_processes(hub) == [], 10)
    told = hub.command("status").stdout
    assert "nothing" not in told and "pictures:" not in told
