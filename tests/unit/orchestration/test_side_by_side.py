"""Steps of a group are at work at once, and none before what it depends on."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import dagster as dg
import pytest

from orchestration import building, side_by_side
from orchestration.side_by_side import Piece

PATIENCE = 20


@pytest.fixture(autouse=True)
def lost(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[tuple[str, ...]]]:
    """Tables that dbt has not made."""
    found: set[tuple[str, ...]] = set()
    monkeypatch.setattr(building, "lost", lambda run_id: frozenset(found))
    yield found
    assert not side_by_side._of_runs, "every run of these tests is ended"


def pieces(**works: Callable[[], Any]) -> list[Piece[Any]]:
    return [piece(name, work) for name, work in works.items()]


def piece(name: str, work: Callable[[], Any], *deps: str) -> Piece[Any]:
    return Piece(name, [dg.AssetKey(dep) for dep in deps], lambda run: work())


def assets(group: list[Piece[Any]], **more: Any) -> list[dg.AssetsDefinition]:
    def asset(of: Piece[Any]) -> dg.AssetsDefinition:
        @dg.asset(key=dg.AssetKey(of.step), deps=of.deps, **more)
        def step(context) -> Any:  # type: ignore[no-untyped-def]  # Dagster reads annotations, which are texts here
            return side_by_side.outcome(context, of, group)

        return step

    return [asset(of) for of in group]


def execute(definitions: list[dg.AssetsDefinition], run_id: str) -> dg.ExecuteInProcessResult:
    job = dg.Definitions(assets=definitions, executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(instance=instance, raise_on_error=False, run_id=run_id)


def run(definitions: list[dg.AssetsDefinition]) -> dg.ExecuteInProcessResult:
    run_id = str(uuid.uuid4())
    result = execute(definitions, run_id)
    assert side_by_side.end(run_id)
    return result


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


def test_what_waits_for_one_step_alone_begins_when_the_work_of_that_is_done() -> None:
    """Before the step itself is over; what waits for another one, too, does not."""
    begun = {name: threading.Event() for name in ("follows", "waits", "is_alone")}
    group = [
        piece("follows", begun["follows"].set, "before", "tables"),
        piece("waits", begun["waits"].set, "tables", "more"),
        piece("is_alone", begun["is_alone"].set),
    ]

    @dg.asset
    def before() -> None:
        """What the step has waited for itself is done, too."""

    @dg.asset(deps=["before"])
    def tables(context) -> bool:  # type: ignore[no-untyped-def]  # Dagster reads annotations, which are texts here
        side_by_side.done(context, group[:2])
        return begun["follows"].wait(PATIENCE) and not begun["waits"].is_set()

    @dg.asset(deps=["tables"])
    def more() -> bool:
        return not begun["waits"].is_set()

    result = run([*assets(group), before, tables, more])
    assert result.success and all(each.is_set() for each in begun.values())
    assert result.output_for_node("tables") and result.output_for_node("more")


def test_what_lacks_a_table_is_not_begun_ahead(lost: set[tuple[str, ...]]) -> None:
    """dbt's step ends well without a table that failed, and Dagster skips what depends on that one."""

    @dg.multi_asset(specs=[dg.AssetSpec("sound", skippable=True), dg.AssetSpec("broken", skippable=True)])
    def tables() -> Iterator[dg.MaterializeResult[Any]]:
        yield dg.MaterializeResult(asset_key="sound")

    lost.add(("broken",))
    begun: list[str] = []
    group = [
        piece("a_gate", lambda: begun.append("a_gate"), "sound"),
        piece("b_gate", lambda: begun.append("b_gate"), "broken"),
    ]
    assert run([tables, *assets(group)]).success
    assert begun == ["a_gate"]


def test_a_step_that_runs_again_works_again() -> None:
    tries: list[int] = []

    def second_time_lucky() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        return len(tries)

    result = run(assets(pieces(one=second_time_lucky), retry_policy=dg.RetryPolicy(max_retries=1)))
    assert result.output_for_node("one") == 2


class Held:
    """Work that comes to no end before it is let go."""

    def __init__(self) -> None:
        self.let_go, self.at_work = threading.Event(), threading.Semaphore(0)

    def work(self) -> None:
        self.at_work.release()
        assert self.let_go.wait(PATIENCE)

    def wait_for(self, pieces_at_work: int) -> None:
        for _ in range(pieces_at_work):
            assert self.at_work.acquire(timeout=PATIENCE)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    monkeypatch.setattr(side_by_side, "PATIENCE_SECONDS", 0.1)
    made = Held()
    yield made
    made.let_go.set()
    monkeypatch.setattr(side_by_side, "PATIENCE_SECONDS", PATIENCE)
    assert all(side_by_side.end(run_id) for run_id in list(side_by_side._of_runs))


def begun_by_hand(group: list[Piece[Any]]) -> str:
    """The pieces of a run whose steps nobody executes."""
    run_id = str(uuid.uuid4())
    of_run = side_by_side._of_runs[run_id] = side_by_side._Begun()
    for each in group:
        of_run.begin(each, None)  # type: ignore[arg-type]  # no work here looks at its run
    return run_id


def test_a_run_that_is_over_begins_nothing_more_and_says_whether_something_is_at_work(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    run_id = begun_by_hand(pieces(one=held.work, two=held.work, three=lambda: begun.append(3)))
    held.wait_for(2)
    assert not side_by_side.end(run_id)
    assert not side_by_side.end(run_id), "asked again the answer is the same"
    held.let_go.set()
    monkeypatch.setattr(side_by_side, "PATIENCE_SECONDS", PATIENCE)
    assert side_by_side.end(run_id)
    assert begun == []


def test_what_is_at_work_elsewhere_is_stopped_there(held: Held) -> None:
    """And nothing else: what has come to its end needs no stop."""
    stopped: list[str] = []

    def of(name: str, work: Callable[[], Any]) -> Piece[Any]:
        return Piece(name, [], lambda run: work(), stop=lambda: stopped.append(name))

    run_id = begun_by_hand([of("done", lambda: None)])
    side_by_side._of_runs[run_id].all_begun[0][1].result(PATIENCE)
    side_by_side._of_runs[run_id].begin(of("at_work", held.work), None)  # type: ignore[arg-type]
    held.wait_for(1)
    assert not side_by_side.end(run_id)
    assert set(stopped) == {"at_work"}


def test_who_is_interrupted_while_it_waits_begins_nothing_more(held: Held) -> None:
    """Its own piece is not begun any more either, where that has waited for a place."""
    begun: list[str] = []

    def interrupt() -> None:
        while side_by_side._of_runs[run_id].results.get("a_first") is not None:
            time.sleep(0.01)  # until its step waits for it
        os.kill(os.getpid(), signal.SIGINT)

    group = pieces(b_second=held.work, c_third=held.work, a_first=lambda: begun.append("a_first"))
    run_id = begun_by_hand(group)
    held.wait_for(2)
    with suppress(KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        threading.Thread(target=interrupt).start()
        execute(assets(group), run_id)  # nobody but the step itself ends what it has begun
    assert side_by_side._of_runs[run_id].all_begun[2][1].cancelled() and begun == []


def test_a_run_leaves_no_thread() -> None:
    before = threading.active_count()
    assert run(assets(pieces(**{f"piece_{number}": lambda: None for number in range(6)}))).success
    assert threading.active_count() <= before
