"""A town that was interrupted while it was being made: it says so, and `townhub down` ends it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration import environment, town


@pytest.fixture
def half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose status says what a town says before its servers answer."""
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    status = environment.home() / "simulator" / "status.json"
    status.parent.mkdir()
    status.write_text(json.dumps({"pid": process.pid, "stage": "the town is being made", "ready": False}))
    yield process
    process.kill()
    process.wait()


def test_orders_are_refused_until_it_is_made(half_made: subprocess.Popen[bytes]) -> None:
    with pytest.raises(town.TownError, match="still being made"):
        town.advance(1)


def test_it_can_be_stopped(half_made: subprocess.Popen[bytes]) -> None:
    assert town.stop(seconds=10)
    assert half_made.poll() is not None
