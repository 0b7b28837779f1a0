"""Counts add up over the loads of a pass, verdicts are counted, tables and JSON hold what was asked for."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.intake import LoadResult
from orchestration import output, report, summary
from orchestration.commands import simulate
from orchestration.output import CommandError


def _load(**counts: Any) -> LoadResult:
    return LoadResult("s", "t", 1, "committed", seconds={"extract": 1.0, "land": 0.5}, **counts)


def test_counts_add_up_and_the_last_state_stays() -> None:
    collected = report.PassReport()
    collected.loaded(_load(rows_in=3, landed=2, quarantined=1), 0.3)
    collected.load_failed("s", "t", "dead", 0.5)
    assert collected.streams["s", "t"].state == "failed" and collected.failures == ["s.t: dead"]
    collected.loaded(_load(rows_in=2, unchanged=2), 0.0)
    assert collected.streams["s", "t"].as_json() == {
        "landed": 2, "unchanged": 2, "quarantined": 1, "tombstoned": 0, "state": "committed"
    }  # fmt: skip
    assert collected.busy == {"extract": 2.0, "land": 1.0}
    assert collected.seconds == pytest.approx({"extract": 0.7, "land": 0.1}), "the clock's seconds, by what was busy"


def test_steps_report_to_the_pass_that_runs() -> None:
    collected = report.PassReport()
    with report.collecting(collected), report.work("build", "dbt core"):
        pass
    with pytest.raises(RuntimeError), report.collecting(collected), report.work("gate", "gate safety"):
        raise RuntimeError
    assert set(collected.seconds) == {"build", "gate"}
    assert report.current() is not collected


def test_verdicts_are_counted() -> None:
    required = [("safety", "a"), ("safety", "b"), ("welfare", "c"), ("welfare", "d")]
    judged = {"safety": {"a": "green", "b": "red"}, "welfare": {"c": "error"}}
    assert summary.verdict_counts(judged, required) == {"green": 1, "red": 2, "missing": 1}
    assert summary.verdict_counts({}, required) == {"green": 0, "red": 0, "missing": 4}


def test_plain_tables_can_be_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_rows([{"a": 1234, "b": "x\ty"}, {"a": None, "b": True}], as_json=False, title="t")
    assert capsys.readouterr().out == "# t\na\tb\n1234\tx y\n\tyes\n"


def test_json_knows_our_types(capsys: pytest.CaptureFixture[str]) -> None:
    output.emit_json({"day": date(2026, 6, 30), "sum": Decimal("1.50"), "hash": b"\x01", "name": "王伟"})
    text = capsys.readouterr().out
    assert "王伟" in text
    assert json.loads(text) == {"day": "2026-06-30", "sum": "1.50", "hash": "01", "name": "王伟"}


def test_fault_parameters() -> None:
    assert simulate._parameters(["times=2", "share=0.5", "column=bjsj"]) == {"times": 2, "share": 0.5, "column": "bjsj"}
    with pytest.raises(CommandError, match="name=value"):
        simulate._parameters(["times"])
