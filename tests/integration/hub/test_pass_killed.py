"""kill -9 inside build, gate and release of a whole pass: the next runs end in what an undisturbed one publishes.

Intake and resolution have their own, quicker kills in `tests/fault/test_crash_points.py`. Here the town of `first` is
taken in once more by a hub of another home, which dies at one point after the other before it has published anything,
and must carry on by itself.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.hub.conftest import REPOSITORY, SCALE, SEED, Hub, new_home, run_pass

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Stage

MORE = ("resolution.clustered", "publish.after_commit") if "TOWNHUB_TEST_KILLS" in os.environ else ()
POINTS = ("gate.judged", "publish.before_commit", *MORE)
"""Each costs a pass; all four when TOWNHUB_TEST_KILLS is set."""
DBT_AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dbt' AND state = 'active'"
RUNNING = "SELECT count(*) FROM control.run WHERE state = 'running'"


@pytest.fixture(scope="module")
def stormy(parsed_project: Path) -> Iterator[Hub]:
    """A hub that has taken in nothing yet."""
    made = Hub(new_home(parsed_project))
    try:
        yield made
    finally:
        made.command("down", "--purge", "--yes")
        shutil.rmtree(made.home, ignore_errors=True)


def _killed_in_dbt(hub: Hub) -> None:
    """A run dies while a statement of dbt's is under way."""
    command = [sys.executable, "-m", "orchestration.cli", "run", "--json"]
    child = subprocess.Popen(
        command, cwd=REPOSITORY, env=hub.surroundings(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        with hub.connect(autocommit=True) as conn:
            while conn.execute(DBT_AT_WORK).fetchone() == (0,):
                assert child.poll() is None and time.monotonic() < deadline, "dbt was not seen at work"
                time.sleep(0.02)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert child.returncode == -signal.SIGKILL
    assert hub.value(RUNNING) == 1


@pytest.mark.timeout(1800)
def test_whatever_dies_the_next_pass_publishes_the_same(stormy: Hub, first: Stage) -> None:
    died = stormy.command("demo", "--scale", SCALE, "--seed", SEED, "--json", TOWNHUB_CRASH_POINT="build.done:2")
    assert died.returncode == -signal.SIGKILL, died.stderr[-2000:]
    _killed_in_dbt(stormy)
    for point in POINTS:
        died = stormy.command("run", "--json", TOWNHUB_CRASH_POINT=point)
        assert died.returncode == -signal.SIGKILL, f"{point}: {died.stderr[-2000:]}"
    healed = run_pass(stormy, "run")
    assert (healed.report["failures"], healed.code) == ([], 0), healed.said[-6000:]
    assert healed.report["totals"]["landed"] == 0, "what the first had taken in was taken in again"
    assert healed.report["content_hash"] == first.report["content_hash"]
    assert healed.report["verdicts"] == first.report["verdicts"] and healed.report["verdicts"]["red"] == 0
    assert stormy.value(RUNNING) == 0
