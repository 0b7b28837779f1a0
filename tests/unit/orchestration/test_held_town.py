"""`townhub up --simulate` goes on with the town that this home holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from orchestration import demo, service
from orchestration.commands import bringing_up


@pytest.mark.parametrize(
    ("held", "words", "town"),
    [
        ('{"scale": 0.02, "seed": 7}', [], (0.02, 7)),
        ('{"scale": 0.02, "seed": 7}', ["--scale", "0.5"], (0.5, 7)),
        ("damaged", [], (0.1, 20260630)),
        (None, ["--seed", "3"], (0.1, 3)),
    ],
)
def test_without_a_scale_it_is_the_town_of_this_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str | None, words: list[str], town: tuple[float, int]
) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    if held is not None:
        (tmp_path / "town.json").write_text(held)
    asked: list[tuple[float, int] | None] = []
    monkeypatch.setattr(service, "serve", lambda port, simulated: asked.append(simulated))
    app = typer.Typer()
    bringing_up.attach(app)
    assert CliRunner().invoke(app, ["up", "--simulate", *words]).exit_code == 0
    assert asked == [town]


def test_a_home_without_a_town_holds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    assert demo.held_town() is None
