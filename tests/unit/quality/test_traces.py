"""Lineages kept between passes are those that tracing gives, and only for the statement that they were traced of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quality import lineage
from quality.traces import Traces

SCHEMA = {"landing": {"t": {"a": "text", "b": "text"}}}
READ = [("landing", "t", "a", "b")]
SQL = "SELECT a FROM landing.t WHERE b > '2026-06-30'"


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that were really traced."""
    seen: list[str] = []
    trace = lineage.trace

    def watched(sql: str, schema: lineage.Schema) -> lineage.Lineage:
        seen.append(sql)
        return trace(sql, schema)

    monkeypatch.setattr(lineage, "trace", watched)
    return seen


def test_the_next_pass_traces_nothing_again(tmp_path: Path, traced: list[str]) -> None:
    first = Traces(tmp_path)
    found = first.lineage(SQL, READ, SCHEMA)
    first.save()
    assert found == lineage.Lineage({"a": found.columns["a"]}, found.influence)
    assert ("landing", "t", "b") in found.influence
    again = Traces(tmp_path).lineage(SQL.replace("2026-06-30", "2026-07-01"), READ, SCHEMA)
    assert again == found and len(traced) == 1


@pytest.mark.parametrize(("sql", "read"), [(SQL.replace("b >", "a >"), READ), (SQL, [("landing", "t", "a")])])
def test_another_statement_or_another_table_is_traced(
    tmp_path: Path, traced: list[str], sql: str, read: list[object]
) -> None:
    first = Traces(tmp_path)
    first.lineage(SQL, READ, SCHEMA)
    first.save()
    Traces(tmp_path).lineage(sql, read, SCHEMA)
    assert len(traced) == 2


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"code": "of another tracer", "lineages": {}})])
def test_what_is_of_no_use_is_traced_again(tmp_path: Path, traced: list[str], content: str) -> None:
    (tmp_path / "traces.json").write_text(content)
    kept = Traces(tmp_path)
    kept.lineage(SQL, READ, SCHEMA)
    kept.save()
    Traces(tmp_path).lineage(SQL, READ, SCHEMA)
    assert len(traced) == 1


def test_what_cannot_be_followed_is_not_kept(tmp_path: Path) -> None:
    kept = Traces(tmp_path)
    for _ in range(2):
        with pytest.raises(lineage.Unresolved):
            kept.lineage("SELECT nobody_knows(a) FROM landing.t", READ, SCHEMA)
    kept.save()
    assert not (tmp_path / "traces.json").exists()
