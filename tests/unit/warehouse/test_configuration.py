"""`townhub.yaml` and the environment: which of them holds, and what is said of a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.configuration import FILE, configured
from warehouse.settings import ConfigurationError

VARIABLE = "TOWNHUB_RESOLUTION_BACKEND"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path


def test_without_file_and_variable_nothing_is_configured() -> None:
    assert configured("resolution.backend").value == ""


@pytest.mark.parametrize(
    "text", ["resolution.backend: spark", "resolution:\n  backend: spark\n", "resolution: {backend: spark}"]
)
def test_the_file_is_read_however_its_names_are_nested(home: Path, text: str) -> None:
    (home / FILE).write_text(text)
    found = configured("resolution.backend")
    assert found.value == "spark" and found.origin == f"resolution.backend in {home / FILE}"
    assert configured("resolution.spark.master").value == ""


def test_the_environment_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / FILE).write_text("resolution.backend: spark")
    monkeypatch.setenv(VARIABLE, " duckdb ")
    found = configured("resolution.backend")
    assert (found.value, found.origin) == ("duckdb", VARIABLE)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "resolution:\n", "resolution.backend:\n"])
def test_what_is_left_empty_is_not_configured(home: Path, text: str) -> None:
    (home / FILE).write_text(text)
    assert configured("resolution.backend").value == ""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("resolution: {backend: [", r"townhub\.yaml, line 1 is not to be read as YAML: correct it"),
        ("resolution:\n  backnd: spark\n", r"unknown settings resolution\.backnd; it may hold resolution\.backend, "),
        ("spark", r"holds no settings by name; write for instance resolution\.backend: spark"),
        ("- resolution", r"holds no settings by name"),
        ("resolution.backend: [spark]", r"holds no settings by name"),
    ],
)
def test_a_mistake_names_the_file_and_what_to_do(home: Path, text: str, told: str) -> None:
    (home / FILE).write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        configured("resolution.backend")
