"""What every process of the hub finds in its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration import environment
from warehouse.settings import settings


def test_a_folder_that_was_told_from_here_is_the_same_for_children_who_work_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOWNHUB_HOME", "hub")
    monkeypatch.setenv("TOWNHUB_PG_BIN", "")
    environment.quiet()
    monkeypatch.chdir("/")
    assert settings().home == tmp_path / "hub"
    assert settings().pg_bin is None
