"""Exceptions to the purpose check: complete, dated, and grouped."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from quality import declassification
from quality.declassification import DeclassificationError

ENTRY: dict[str, Any] = {
    "model": "fct_tax", "columns": ["amount"], "sources": ["tax_analysis.collections.amount"],
    "purpose": "premises_safety", "approver": "A Person, data office", "basis": "an example",
    "expires": date(2026, 12, 31), "minimum_group_size": 10,
}  # fmt: skip


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "declassifications.yml"
    path.write_text(yaml.safe_dump({"declassifications": list(entries)}), encoding="utf-8")
    return path


def test_ours_are_sums_of_the_whole_town_for_the_overview() -> None:
    entries = declassification.load(today=date(2026, 6, 30))
    assert {(e.model, e.purpose, e.minimum_group_size) for e in entries} == {("int_case_count", "town_overview", 10)}
    systems = {source.split(".")[0] for entry in entries for source in entry.sources}
    assert not systems & {"health_code", "party_building", "petition", "video_index", "tax_analysis", "police_110"}
    # What happened to somebody is counted by its day alone; of payments the sum and the number of people too.
    columns = {source for entry in entries for source in entry.sources}
    assert {c for c in columns if c.endswith(("_id", "amount", "name"))} == {
        "welfare_payment.payments.amount", "welfare_payment.payments.resident_id",
    }  # fmt: skip
    assert declassification.load(today=date(2027, 7, 1)) == []


def test_an_entry_counts_until_its_last_day(tmp_path: Path) -> None:
    path = written(tmp_path, ENTRY)
    (entry,) = declassification.load(path, today=date(2026, 12, 31))
    assert entry.covers("fct_tax", "amount", "tax_analysis.collections.amount")
    assert entry.covers("fct_tax", "*", "tax_analysis.collections.amount")
    assert not entry.covers("fct_tax", "tax_kind", "tax_analysis.collections.amount")
    assert not entry.covers("dim_enterprise", "amount", "tax_analysis.collections.amount")
    assert not entry.covers("fct_tax", "amount", "tax_analysis.collections.tax_kind")
    assert declassification.load(path, today=date(2027, 1, 1)) == []


@pytest.mark.parametrize("field", ENTRY)
def test_every_field_is_needed(field: str, tmp_path: Path) -> None:
    incomplete = {name: value for name, value in ENTRY.items() if name != field}
    for entry in (incomplete, {**ENTRY, field: None}):
        with pytest.raises(DeclassificationError, match="declassification 1: give exactly these fields"):
            declassification.load(written(tmp_path, entry), today=date(2026, 6, 30))


@pytest.mark.parametrize(
    "change",
    [{"columns": ["*"]}, {"sources": ["tax_analysis"]}, {"minimum_group_size": 2}, {"expires": "soon"}, {"note": "x"}],
)
def test_what_is_too_wide_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DeclassificationError):
        declassification.load(written(tmp_path, {**ENTRY, **change}), today=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("query", "kept_out"),
    [
        ("select a, sum(b) as b from t group by a having count(*) >= 10", True),
        ("select a, sum(b) as b from t group by a having count(*) > 9 and max(b) > 0", True),
        ("select a, sum(b) as b from t group by a having count(distinct c) >= 10", True),
        ("select a, sum(b) as b from t group by a having count(*) >= 9", False),
        ("select a, sum(b) as b from t group by a having count(*) >= 10 or true", False),
        ("select a, sum(b) as b from t group by a", False),
        ("select a, b from t", False),
        ("select a from (select a from t group by a having count(*) >= 10) as g", False),
    ],
)
def test_small_groups(query: str, kept_out: bool, tmp_path: Path) -> None:
    entries = declassification.load(written(tmp_path, ENTRY), today=date(2026, 6, 30))
    assert declassification.keeps_small_groups_out(query, entries) is kept_out
