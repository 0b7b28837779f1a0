"""The tests' own way to build again leaves no model out unless it is told to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from quality.dbt_manifest import Manifest, ManifestMissing
from tests.warehouse.rebuilt import statements


def model(name: str, sql: str | None, *reads: str) -> dict[str, Any]:
    return {
        "resource_type": "model", "name": name, "schema": "core", "columns": {"a": {}}, "compiled_code": sql,
        "package_name": "townhub", "original_file_path": f"{name}.sql",
        "depends_on": {"nodes": [f"model.townhub.{each}" for each in reads]},
    }  # fmt: skip


def test_a_model_that_was_never_compiled_is_not_passed_over(tmp_path: Path) -> None:
    below, never = model("below", "select 1 as a"), model("never", None, "below")
    nodes = {f"model.townhub.{node['name']}": node for node in (below, never)}
    manifest = Manifest({"nodes": nodes, "sources": {}}, tmp_path)
    with pytest.raises(ManifestMissing, match="never was never compiled"):
        statements(manifest, "below")
    assert len(statements(manifest, "below", allow_missing=True)) == 1
    with pytest.raises(ManifestMissing):
        statements(manifest, "never", allow_missing=True)
