"""kill -9 inside build, gate and release of a whole pass: the next runs end in what an undisturbed one publishes.

Intake and resolution have their own, quicker kills in `test_crash_points`. Here the real command runs on a small
simulated town, dies at one named point after the other, and must carry on by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MORE = ("resolution.clustered", "publish.after_commit") if "TOWNHUB_TEST_KILLS" in os.environ else ()
POINTS = ("build.done:2", "gate.judged", "publish.before_commit", *MORE)
"""Each costs a pass; all five when TOWNHUB_TEST_KILLS is set."""
TOWN = ("--scale", "0.005", "--seed", "9")


@pytest.fixture
def homes() -> Iterator[tuple[Path, Path]]:
    """Two homes that the server's unprivileged user may pass through; what runs in them is stopped at the end."""
    made = [Path(tempfile.mkdtemp(prefix="townhub-kill-")) for _ in range(2)]
    for home in made:
        home.chmod(0o755)
    try:
        yield made[0], made[1]
    finally:
        for home in made:
            townhub(home, "down", "--purge", "--yes")
            shutil.rmtree(home, ignore_errors=True)


def townhub(home: Path, *words: str, point: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOWNHUB_")}
    environment |= {"TOWNHUB_HOME": str(home)} | ({"TOWNHUB_CRASH_POINT": point} if point else {})
    return subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *words],
        env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def published(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    steps = ("committed", "done")
    said = "\n".join(line for line in done.stderr.splitlines() if not any(f": {step}, " in line for step in steps))
    failures = json.loads(done.stdout)["failures"] if done.stdout else []
    assert done.returncode == 0, f"{failures}\n{said[-6000:]}"
    return dict(json.loads(done.stdout))


@pytest.mark.timeout(1800)
def test_whatever_dies_the_next_pass_publishes_the_same(homes: tuple[Path, Path]) -> None:
    calm, stormy = homes
    expected = published(townhub(calm, "demo", *TOWN, "--json"))
    for number, point in enumerate(POINTS):
        words = ("demo", *TOWN, "--json") if number == 0 else ("run", "--json")
        died = townhub(stormy, *words, point=point)
        assert died.returncode == -signal.SIGKILL, f"{point}: {died.stderr[-2000:]}"
    healed = published(townhub(stormy, "run", "--json"))
    assert healed["content_hash"] == expected["content_hash"]
    assert healed["verdicts"] == expected["verdicts"] and healed["verdicts"]["red"] == 0
    again = published(townhub(stormy, "run", "--json"))
    assert (again["totals"]["landed"], again["content_hash"]) == (0, expected["content_hash"])
