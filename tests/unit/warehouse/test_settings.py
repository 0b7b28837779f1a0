"""The environment as settings."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from warehouse.settings import REPOSITORY, ConfigurationError, settings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("TOWNHUB_DATABASE_URL", "TOWNHUB_PG_BIN", "TOWNHUB_AS_OF"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))


def _simulator(home: Path, pid: int, today: str) -> None:
    (home / "simulator").mkdir()
    (home / "simulator" / "status.json").write_text(json.dumps({"pid": pid, "today": today}))


def test_home_is_the_clone_s_own_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWNHUB_HOME")
    assert settings().home == REPOSITORY / ".townhub" and settings().embedded


def test_day_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _simulator(tmp_path, os.getpid(), "2026-07-01")
    assert settings().as_of() == date(2026, 7, 1)
    monkeypatch.setenv("TOWNHUB_AS_OF", "2026-05-03")
    assert settings().as_of() == date(2026, 5, 3)


def test_a_dead_simulator_s_day_is_not_taken(tmp_path: Path) -> None:
    _simulator(tmp_path, 2**22 + 1, "2020-01-01")  # above the kernel's highest pid
    assert settings().as_of() == datetime.now(ZoneInfo("Asia/Shanghai")).date()


def test_half_written_simulator_status_is_no_day(tmp_path: Path) -> None:
    (tmp_path / "simulator").mkdir()
    (tmp_path / "simulator" / "status.json").write_text('{"pid": 1,')
    assert settings().as_of() >= date(2026, 1, 1)


@pytest.mark.parametrize(("name", "value"), [("TOWNHUB_AS_OF", "3 May"), ("TOWNHUB_DATABASE_URL", "mysql://h/db")])
def test_mistakes_name_the_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        settings().as_of()
