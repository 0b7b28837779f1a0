"""Reading dbt's manifest: what runs in which step, and when it is parsed anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration import dbt_runs, manifest


def _model(name: str, folder: list[str], parents: list[str] | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "resource_type": "model",
        "schema": folder[0],
        "fqn": ["townhub", *folder, name],
        "config": {"materialized": "table"},
        "description": "",
        "columns": {"a": {"name": "a", "data_type": "text", "description": "d"}},
        "depends_on": {"nodes": parents or []},
    }


def _test(name: str, parents: list[str], attached: str | None) -> dict[str, Any]:
    return {
        "name": name,
        "resource_type": "test",
        "fqn": ["townhub", name],
        "config": {"severity": "WARN"},
        "depends_on": {"nodes": parents},
        "attached_node": attached,
    }


def _document(**nodes: dict[str, Any]) -> dict[str, Any]:
    source = {"schema": "landing", "identifier": "s__t"}
    return {"nodes": {key.replace("__", "."): body for key, body in nodes.items()}, "sources": {"source.x": source}}


DOCUMENT = _document(
    model__stg=_model("stg", ["staging", "police_110"], ["source.x"]),
    model__dim=_model("dim", ["core"], ["model.stg"]),
    model__risk=_model("risk", ["products", "safety"], ["model.dim"]),
    model__match=_model("match", ["products", "welfare"], ["model.dim"]),
    test__both=_test("rel-ation.ships", ["model.stg", "model.dim"], "model.stg"),
    test__unique=_test("unique", ["model.risk"], "model.risk"),
    test__source=_test("source_only", ["source.x"], None),
)


def test_models_run_by_layer_and_are_grouped_by_family() -> None:
    project = manifest.read(DOCUMENT)
    assert project.families == ["safety", "welfare"]
    assert project.steps == ["staging", "core", "products"]
    assert [node.name for node in project.nodes_of("products")] == ["risk", "match"]
    assert [node.name for node in project.products_of("safety")] == ["risk"]
    assert project.nodes["model.risk"].group == "products_safety"
    assert project.nodes["model.dim"].columns == (("a", "text", "d"),)


def test_a_test_runs_when_the_last_of_its_models_is_built() -> None:
    project = manifest.read(DOCUMENT)
    both = project.tests["test.both"]
    assert (both.step, both.node, both.severity) == ("core", "model.dim", "warn")
    assert both.name == "rel_ation_ships"
    assert "test.source" not in project.tests


def test_folders_are_what_dbt_would_select() -> None:
    assert manifest.read(DOCUMENT).folders["townhub.products"] == {"model.risk", "model.match"}


def test_a_folder_is_selected_only_where_all_of_it_is_wanted() -> None:
    risk, match, test = "model.townhub.risk", "model.townhub.match", "test.townhub.unique_risk.abc"
    project = manifest.Project({}, {}, {}, {"townhub.products": frozenset({risk, match})})
    assert dbt_runs.selectors(project, {risk, match, test}) == ["townhub.products", "unique_risk"]
    assert dbt_runs.selectors(project, {risk, test}) == ["risk", "unique_risk"]
    assert dbt_runs.selectors(project, set()) == []


def test_the_digest_follows_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select 1")
    (tmp_path / "readme.md").write_text("x")
    before = manifest.digest(tmp_path)
    (tmp_path / "readme.md").write_text("y")
    assert manifest.digest(tmp_path) == before
    (tmp_path / "a.sql").write_text("select 2")
    changed = manifest.digest(tmp_path)
    (tmp_path / "a.sql").rename(tmp_path / "b.sql")
    assert len({before, changed, manifest.digest(tmp_path)}) == 3
