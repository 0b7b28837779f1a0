"""Pictures follow releases and never stand in their way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration import names, passes, picture_assets, picture_service, recovery, report, supervisor
from orchestration.report import PassReport
from pictures import drawing, reading
from pictures.catalogue import PICTURES
from tests.unit.pictures.documents import DOCUMENTS

FAMILIES = ["safety", "welfare", "enforcement", "overview"]


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    monkeypatch.setattr(recovery, "mark", lambda context: None)
    yield tmp_path


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What each page's statement answers; a page that is taken out cannot be read."""
    answers = dict(DOCUMENTS)

    def draw(picture: Any, folder: Path, moment: Any) -> Any:
        return real(picture, folder, moment, lambda app, query: answers[picture.name])

    real = drawing.draw
    monkeypatch.setattr(drawing, "draw", draw)
    return answers


def _materialize(release: Any) -> tuple[dg.ExecuteInProcessResult, PassReport]:
    with report.collecting(PassReport()) as collected, dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [release, *picture_assets.assets(["safety"])], instance=instance, raise_on_error=False
        )  # fmt: skip
        return result, collected


@dg.asset(key=dg.AssetKey(names.release("safety")))
def good() -> None:
    """A release that is published."""


@dg.asset(key=dg.AssetKey(names.release("safety")))
def refused() -> None:
    raise RuntimeError


def _made(result: dg.ExecuteInProcessResult) -> set[tuple[str, ...]]:
    return {tuple(event.asset_key.path) for event in result.get_asset_materialization_events() if event.asset_key}


def test_every_page_is_an_asset_with_path_release_and_preview(own_home: Path, reads: dict[str, Any]) -> None:
    result, collected = _materialize(good)
    assert result.success and collected.failures == []
    assert collected.drawn == set(PICTURES) and collected.seconds["draw"] > 0
    (made,) = result.asset_materializations_for_node("pictures__grid_map")
    assert made.metadata["path"].value == str(own_home / "pictures" / "grid_map.html")
    assert made.metadata["releases"].value == {"safety": 7}
    assert str(made.metadata["preview"].value).startswith(
        "![五色图 Five-colour map of the grids](data:image/svg+xml;base64"
    )
    assert (own_home / "pictures" / "index.html").exists()


def test_a_failing_picture_fails_alone_and_says_what_to_do(own_home: Path, reads: dict[str, Any]) -> None:
    del reads["grid_map"]
    result, collected = _materialize(good)
    assert not result.success
    assert _made(result) == {("serving", "safety")} | {("pictures", page) for page in set(PICTURES) - {"grid_map"}}
    assert len(collected.failures) == 1
    assert collected.failures[0].startswith("draw grid_map: ") and "townhub pictures --draw" in collected.failures[0]


def test_a_refused_family_leaves_its_pictures_to_a_run_of_their_own(reads: dict[str, Any]) -> None:
    """Dagster skips what is downstream of a failure; the pass then draws those pages by themselves."""
    result, collected = _materialize(refused)
    assert not result.success and collected.drawn == set(PICTURES) - {"grid_map", "inspection_coverage", "freshness"}
    assert set(picture_assets.undrawn(collected.drawn, published=True)) == set(PICTURES) - collected.drawn


def test_a_pass_that_publishes_nothing_draws_only_what_is_missing(own_home: Path, reads: dict[str, Any]) -> None:
    assert picture_assets.undrawn(set(), published=False) == list(PICTURES)
    _materialize(good)
    assert picture_assets.undrawn(set(), published=False) == []
    (own_home / "pictures" / "freshness.html").unlink()
    assert picture_assets.undrawn(set(), published=False) == ["freshness"]


def test_the_pass_asks_for_what_the_publish_step_did_not_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def run_job(instance: object, job: str, keys: Any, run_key: str, collected: PassReport, *more: Any) -> None:
        asked[job] = keys
        if job == names.PUBLISH:
            collected.drawn.update(set(PICTURES) - {"grid_map"})

    monkeypatch.setattr(passes, "_run_job", run_job)
    monkeypatch.setattr(passes, "_basis", lambda: (None, ""))
    monkeypatch.setattr(passes, "_to_build", lambda day: [])
    monkeypatch.setattr(passes, "_still_stands", lambda basis, collected: False)
    for name in ("_note_start", "_note_end"):
        monkeypatch.setattr(passes, name, lambda *args: None)
    passes.execute(None, PassReport(), run_key="k")  # type: ignore[arg-type]  # no job runs
    assert asked[names.PICTURES] == [("pictures", "grid_map")]


def test_the_server_of_pictures_takes_the_port_after_the_ui_s_or_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_service, "is_free", lambda port: port == 4001)
    assert picture_service.child(4000).command[-1] == "4001"
    assert picture_service.child(4100).command[-1] != "4101"
    assert picture_service.child(65535).command[-1] != "65536"
    assert picture_service.url() is None, "nothing runs"
    monkeypatch.setattr(supervisor, "running", lambda: [1])
    picture_service.child(4000)
    assert picture_service.url() == "http://127.0.0.1:4001"


def test_a_page_is_read_as_its_app_under_the_name_of_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse import access

    asked: list[tuple[str, str | None]] = []

    def run_as(app: str, query: str, *, actor: str | None = None) -> access.QueryResult:
        asked.append((app, actor))
        return access.QueryResult(["document"], [({},)], False)

    monkeypatch.setattr(access, "run_as", run_as)
    for picture in PICTURES.values():
        reading.read(picture.app, picture.query)
    assert asked == [(picture.app, "townhub pictures") for picture in PICTURES.values()]
