"""What stands in dbt's YAML files stands there once: of two equal keys the last would win without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError

from orchestration import environment

FILES = sorted(environment.DBT_PROJECT.rglob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_no_key_stands_twice(path: Path) -> None:
    YAML(typ="safe").load(path)


def test_a_key_that_stands_twice_is_seen(tmp_path: Path) -> None:
    twice = tmp_path / "twice.yml"
    twice.write_text("indexes: [a]\nindexes: [b]\n")
    with pytest.raises(DuplicateKeyError):
        YAML(typ="safe").load(twice)
