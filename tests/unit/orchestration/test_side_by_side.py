"""Steps of a group are at work at once, and none before what it depends on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from orchestration import dbt_runs, manifest, side_by_side, warehouse
from orchestration.side_by_side import Piece

PATIENCE = 20


dbt_lost = warehouse.lost


@pytest.fixture(autouse=True)
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[dg.AssetKey]]:
    """Tables that dbt has not made."""
    found: set[dg.AssetKey] = set()
    monkeypatch.setattr(warehouse, "lost", lambda run_id: found)
    yield found
    for run_id in list(side_by_side._of_runs):
        side_by_side.end(run_id)


def pieces(**works: Callable[[], Any]) -> list[Piece[Any]]:
    return [piece(name, work) for name, work in works.items()]


def piece(name: str, work: Callable[[], Any], *deps: str) -> Piece[Any]:
    return Piece(dg.AssetKey(name), [dg.AssetKey(dep) for dep in deps], lambda run: work())


def assets(group: list[Piece[Any]], **more: Any) -> list[dg.AssetsDefinition]:
    def asset(of: Piece[Any]) -> dg.AssetsDefinition:
        @dg.asset(key=of.key, deps=of.deps, **more)
        def step(context) -> Any:  # type: ignore[no-untyped-def]  # Dagster reads annotations, which are texts here
            return side_by_side.outcome(context, of, group)

        return step

    return [asset(of) for of in group]


def run(definitions: list[dg.AssetsDefinition]) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(definitions, instance=instance, raise_on_error=False)


def test_two_are_at_work_at_once_and_each_step_has_its_own_outcome() -> None:
    meeting = threading.Barrier(2)

    def met(answer: str) -> Callable[[], str]:
        return lambda: f"{answer} {meeting.wait(PATIENCE) in (0, 1)}"

    result = run(assets(pieces(one=met("first"), two=met("second"))))
    assert [result.output_for_node(name) for name in ("one", "two")] == ["first True", "second True"]


def test_no_more_than_two_are_at_work() -> None:
    guard, at_work, most = threading.Lock(), 0, 0
    gone = threading.Event()

    def work() -> None:
        nonlocal at_work, most
        with guard:
            at_work += 1
            most = max(most, at_work)
        gone.wait(0.05)
        with guard:
            at_work -= 1

    assert run(assets(pieces(**{f"piece_{number}": work for number in range(6)}))).success
    assert most == side_by_side.PLACES


def test_one_that_fails_fails_alone() -> None:
    def fail() -> None:
        raise ValueError("of its own")

    result = run(assets(pieces(bad=fail, good=lambda: "good")))
    assert not result.success
    assert result.output_for_node("good") == "good"
    assert [event.step_key for event in result.get_step_failure_events()] == ["bad"]


def test_what_waits_for_a_step_is_not_begun_before_it() -> None:
    made: list[str] = []

    @dg.asset(deps=["early"])
    def between() -> None:
        made.append("between")

    early = piece("early", lambda: made.append("early"))
    late = piece("late", lambda: made.append("late"), "between")
    group = [early, late]
    assert run([*assets(group), between]).success
    assert made == ["early", "between", "late"]


def test_what_lacks_a_table_is_not_begun_ahead(lost: set[dg.AssetKey]) -> None:
    """dbt's step ends well without a table that failed, and Dagster skips what depends on that one."""

    @dg.multi_asset(specs=[dg.AssetSpec("sound", skippable=True), dg.AssetSpec("broken", skippable=True)])
    def tables() -> Iterator[dg.MaterializeResult[Any]]:
        yield dg.MaterializeResult(asset_key="sound")

    lost.add(dg.AssetKey("broken"))
    begun: list[str] = []
    group = [
        piece("a_gate", lambda: begun.append("a_gate"), "sound"),
        piece("b_gate", lambda: begun.append("b_gate"), "broken"),
    ]
    assert run([tables, *assets(group)]).success
    assert begun == ["a_gate"]


@pytest.mark.parametrize("failed", [["failed", "skipped"], []])
def test_what_dbt_was_to_make_and_has_not_made_is_lost(failed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {f"model.{name}": SimpleNamespace(schema="core", table=name) for name in ("made", "failed", "skipped")}
    states = {"model.made": "success", "test.passed": "pass"} | {f"model.{name}": "error" for name in failed}
    told = [{"unique_id": uid, "status": status} for uid, status in states.items()]
    monkeypatch.setattr(dbt_runs, "read_outcomes", lambda run_id: told)
    monkeypatch.setattr(manifest, "load", lambda: SimpleNamespace(nodes=nodes))
    assert dbt_lost("a run") == {dg.AssetKey(["core", name]) for name in failed}


def test_a_step_that_runs_again_works_again() -> None:
    tries: list[int] = []

    def second_time_lucky() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        return len(tries)

    result = run(assets(pieces(one=second_time_lucky), retry_policy=dg.RetryPolicy(max_retries=1)))
    assert result.output_for_node("one") == 2


def test_a_run_that_is_over_begins_nothing_more() -> None:
    hold, begun = threading.Event(), threading.Event()
    done: list[int] = []

    def held() -> None:
        begun.set()
        assert hold.wait(PATIENCE)
        done.append(0)

    def over(number: int) -> Callable[[], None]:
        return lambda: done.append(number)

    group = pieces(one=held, two=held, three=over(3), four=over(4))
    begun_ones = side_by_side._Begun()
    for each in group:
        begun_ones.begin(each, None)  # type: ignore[arg-type]  # no work here looks at its run
    assert begun.wait(PATIENCE)
    begun_ones.stop()
    hold.set()
    for each in group[:2]:
        begun_ones.results[each.key].result(PATIENCE)
    assert all(begun_ones.results[each.key].cancelled() for each in group[2:])
    assert done == [0, 0]
