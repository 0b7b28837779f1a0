"""What one process parsed the next one reads, and nothing else that lies there."""

from __future__ import annotations

import pickle
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from orchestration import dbt_parsing, manifest

STATE = "of these files"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "parsed.pickle"
    monkeypatch.setattr(dbt_parsing, "_kept_file", lambda: path)
    path.write_bytes(pickle.dumps((dbt_parsing._made_by(STATE), "a manifest")))
    return path


def test_of_the_very_same_files_and_versions_it_is_read(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dbt_parsing._kept(STATE) == "a manifest"
    assert dbt_parsing._kept("of other files") is None
    monkeypatch.setattr(metadata, "version", lambda name: "of tomorrow")
    assert dbt_parsing._kept(STATE) is None


@pytest.mark.parametrize(
    "content", [b"", b"cut of", pickle.dumps("no pair"), pickle.dumps(None), b"cno.such\nthing\n."]
)
def test_what_cannot_be_read_is_parsed_anew(kept: Path, content: bytes) -> None:
    kept.write_bytes(content)
    assert dbt_parsing._kept(STATE) is None


def test_it_is_parsed_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def parse(key: str) -> Any:
        made.append(key)
        return f"manifest {key}"

    monkeypatch.setattr(dbt_parsing, "_parsed", {})
    monkeypatch.setattr(dbt_parsing, "_parsed_anew", parse)
    for state in (STATE, "of other files", "of other files"):
        monkeypatch.setattr(manifest, "state", lambda state=state: state)
        dbt_parsing.parsed()
    assert made == ["of other files"]


def test_a_manifest_that_is_lost_is_written_by_a_parse_and_not_from_what_is_kept(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dbt writes one only in a process that parsed: a kill between the two files left the hub without one."""
    written: list[str] = []

    class Parsed:
        def writable_manifest(self) -> Parsed:
            return self

        def write(self, path: str) -> None:
            written.append(path)

    monkeypatch.setattr(manifest, "state", lambda: STATE)
    monkeypatch.setattr(manifest, "target_folder", lambda: kept.parent)
    monkeypatch.setattr(dbt_parsing, "_parsed_anew", lambda key: Parsed())
    dbt_parsing._main()
    assert written == [str(kept.parent / "manifest.json")]
