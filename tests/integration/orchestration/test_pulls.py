"""Pulls side by side: what a source does to itself it does to nobody else. By the ledger's facts, never by a clock."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from bench.sample import sample_page
from connectors.contract import Stream
from connectors.contract_folder import load_contracts
from connectors.errors import ContractViolation, IntakeError, Permanent
from connectors.pace import Pace
from connectors.protocols.base import Page, Pull
from orchestration import pulls
from orchestration.pulls import Pulls
from orchestration.report import PassReport, Silent, collecting
from quality.results import CheckResult
from simulator.faults import Faults
from simulator.interfaces import GatewayInterface
from simulator.servers.gateway import GatewayServer
from warehouse import connection, ledger
from warehouse.load_history import History

if TYPE_CHECKING:
    from tests.integration.orchestration.conftest import Load, Town

SECONDS = 120
"""So long a test waits for what must come by itself."""


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a hanging source waits for; opened at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def finish(under_way: Pulls, town: Town, *but: str) -> None:
    """Wait until every stream but those of some systems has committed."""
    for contract, stream in town.asked():
        if contract.id not in but:
            future = under_way.take(stream)
            assert future is not None and future.result(SECONDS).load.state == "committed"


def overlap(one: Load, other: Load) -> bool:
    return bool(one.started < other.finished and other.started < one.finished)


def test_one_stream_of_a_system_at_a_time_and_several_systems_at_once(town: Town) -> None:
    both = threading.Barrier(2)

    def together(pull: Pull) -> Iterator[Page]:
        both.wait(SECONDS)
        yield from town.give(pull)

    town.sources |= {"death_register": together, "fire_119": together}
    under_way = town.pull()
    finish(under_way, town)
    loads = town.loads()
    assert {load.state for load in loads} == {"committed"} and len(loads) == len(town.asked())
    assert overlap(*town.loads("death_register", "fire_119"))
    for one, other in itertools.combinations(loads, 2):
        assert one.system != other.system or not overlap(one, other)
    stream = town.contracts["death_register"].streams["deaths"]
    assert under_way.take(stream) is None, "an outcome is had once"


def test_protocols_are_prepared_before_any_thread_begins(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that import the same modules at once may see them half made; SQLAlchemy imports some with an engine."""
    prepared: list[str] = []
    monkeypatch.setattr("played_town.prepare", lambda: prepared.append(threading.current_thread().name), raising=False)
    finish(town.pull(), town)
    assert prepared == [threading.current_thread().name]


@pytest.mark.parametrize("dialect", ["postgresql.psycopg", "mysql.pymysql"])
def test_the_exchange_databases_dialects_are_loaded_when_it_is_prepared(dialect: str) -> None:
    code = (
        "import sys; from connectors.protocols import exchange_db; exchange_db.prepare(); "
        f"sys.exit('sqlalchemy.dialects.{dialect}' not in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=SECONDS)


def test_never_more_at_work_than_there_are_places(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_PULLS", "2")
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", SECONDS)
    finish(town.pull(), town)
    loads = town.loads()
    for load in loads:
        beside = [other for other in loads if other is not load and other.started < load.started < other.finished]
        assert len(beside) < 2


@pytest.mark.parametrize("hostile", [("fire_119",), ("fire_119", "death_register", "police_110")])
def test_sources_that_hang_keep_nobody_waiting(
    town: Town, gate: threading.Event, monkeypatch: pytest.MonkeyPatch, hostile: tuple[str, ...]
) -> None:
    """Even though they are pulled first, and there are as many places as one of them takes."""
    monkeypatch.setenv("TOWNHUB_PULLS", "1")
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", 0.2)

    def hang(pull: Pull) -> Iterator[Page]:
        gate.wait(SECONDS)
        raise Permanent("no answer in time", "Ask the owner")
        yield

    town.sources |= dict.fromkeys(hostile, hang)
    under_way = town.pull(*hostile)
    finish(under_way, town, *hostile)
    assert {load.state for load in town.loads(*hostile)} == {"running"}
    gate.set()
    for system in hostile:
        future = under_way.take(next(iter(town.contracts[system].streams.values())))
        assert future is not None
        with pytest.raises(Permanent, match="no answer in time"):
            future.result(SECONDS)
    others = town.others(*hostile)
    assert {load.state for load in others} == {"committed"}
    for bad in town.loads(*hostile):
        assert bad.state == "failed"
        assert all(bad.started < load.started and load.finished < bad.finished for load in others)


def test_a_source_that_floods_steps_aside_and_ends_at_the_bound(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_PULLS", "1")
    monkeypatch.setenv("TOWNHUB_PULL_MAX_ROWS", "100000")
    monkeypatch.setattr(pulls, "AMPLE_ROWS_UNKNOWN", 5_000)
    contract = town.contracts["fire_119"]
    (stream,) = contract.streams.values()

    def flood(pull: Pull) -> Iterator[Page]:
        for number in itertools.count():
            yield Page(sample_page(contract, stream, 1_000, first=1_000 * number), bytes_in=100_000)

    town.sources["fire_119"] = flood
    under_way = town.pull("fire_119")
    finish(under_way, town, "fire_119")
    future = under_way.take(stream)
    assert future is not None
    with pytest.raises(ContractViolation, match=r"passed 100,000 rows.*raise TOWNHUB_PULL_MAX_ROWS"):
        future.result(SECONDS)
    (bad,) = town.loads("fire_119")
    assert bad.state == "failed" and "TOWNHUB_PULL_MAX_ROWS" in (bad.error or "")
    assert town.landed(stream) == 0
    assert town.ask("SELECT count(*) FROM control.cursor WHERE system = 'fire_119'") == [(0,)]
    assert all(bad.started < load.started and load.finished < bad.finished for load in town.others("fire_119"))


@dataclass
class View:
    frame: pl.DataFrame
    changed_at: str | None


@pytest.mark.parametrize(
    ("fault", "told", "loads"),
    [
        ("wrong_count", "a page has 40 rows and declares 47", 3),
        ("html_login", "an HTML page instead of data", 1),
        ("error_body", "answered code 99", 1),
    ],
)
def test_a_source_that_lies_hurts_itself_alone(
    town: Town, monkeypatch: pytest.MonkeyPatch, fault: str, told: str, loads: int
) -> None:
    """Over the real protocol: more declared than sent, a login page, an error in a good answer."""
    monkeypatch.setenv("TOWNHUB_PULLS", "1")
    monkeypatch.setenv("TOWNHUB_SOURCE_DEADLINE_SECONDS", "1")
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", 0.2)
    system = "welfare_payment"
    whole = load_contracts()[system]
    stream = whole.streams["payments"]
    contract = town.contracts[system] = replace(whole, streams={stream.name: stream})
    view = View(sample_page(contract, stream, 40), stream.cursor.physical_name if stream.cursor else None)
    faults = Faults()
    interface = GatewayInterface(str(stream.source["interface"]))
    server = GatewayServer(lambda system, stream: view, faults, {(system, stream.name): interface})
    server.start()
    try:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        faults.set(system, fault)
        under_way = town.pull(system)
        finish(under_way, town, system)
        future = under_way.take(stream)
        assert future is not None
        with pytest.raises(IntakeError, match=told):
            future.result(SECONDS)
    finally:
        server.stop()
    bad, others = town.loads(system), town.others(system)
    assert [load.state for load in bad] == ["failed"] * loads
    assert all(told in (load.error or "") for load in bad)
    assert town.landed(stream) == 0
    assert {load.state for load in others} == {"committed"} and len(others) == len(town.asked()) - 1
    if loads > 1:
        assert min(load.started for load in others) < bad[-1].finished, "its pauses are the others' time"


def test_what_was_quick_goes_first_and_what_failed_last(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_PULLS", "1")
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", SECONDS)
    past = {"fire_119": ("failed", 1), "police_110": ("committed", 50), "tax_registry": ("committed", 3)}
    finish(town.pull(), town)
    with connection.connect("owner") as conn:
        for system, (state, seconds) in past.items():
            conn.execute(
                "UPDATE control.load SET state = %s, started_at = finished_at - make_interval(secs => %s)"
                " WHERE system = %s",
                [state, seconds, system],
            )
        newest = conn.execute("SELECT max(load_id) FROM control.load").fetchone()
    assert newest is not None
    finish(town.pull(), town)
    again = town.loads()[newest[0] :]
    first_of = list(dict.fromkeys(load.system for load in again))
    assert first_of[-3:] == ["tax_registry", "police_110", "fire_119"]


def test_what_mostly_waits_is_not_waited_for_alone() -> None:
    contracts = load_contracts()
    past = {("tax_registry", "taxpayers"): 3.0, ("payee_account", "accounts"): 50.0, ("smoke_sensor", "messages"): 30.0}
    found = [
        pulls._Pull(contracts[system], contracts[system].streams[stream], Pace(), History(False, seconds, 9))
        for (system, stream), seconds in past.items()
    ]
    in_order = [pull.stream.system for pull in sorted(found, key=lambda pull: pull.last)]
    assert in_order == ["smoke_sensor", "payee_account", "tax_registry"]


def test_a_system_that_another_run_pulls_is_waited_for(town: Town) -> None:
    with connection.connect("loader", autocommit=True) as other_run:
        assert ledger.claim_system(other_run, "safety_inspection")
        under_way = town.pull("safety_inspection")
        finish(under_way, town, "safety_inspection")
        assert town.loads("safety_inspection") == []
        ledger.release_system(other_run, "safety_inspection")
        for stream in town.contracts["safety_inspection"].streams.values():
            future = under_way.take(stream)
            assert future is not None and future.result(SECONDS).load.state == "committed"


def test_a_stopped_run_hands_out_nothing_more(
    town: Town, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOWNHUB_PULLS", "1")
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", SECONDS)
    began = threading.Event()

    def slow(pull: Pull) -> Iterator[Page]:
        yield from town.give(pull)
        began.set()
        gate.wait(SECONDS)
        yield from town.give(pull)

    town.sources["fire_119"] = slow
    asked = town.asked("fire_119")
    under_way = Pulls("run", asked, Silent())
    assert began.wait(SECONDS)
    under_way.stop()
    gate.set()
    for number, (_, stream) in enumerate(asked):
        future = under_way.take(stream)
        assert future is not None
        with pytest.raises(CancelledError if number else Permanent):
            future.result(SECONDS)
    (load,) = town.loads()
    assert load.state == "failed" and "the run was cancelled" in (load.error or "")


def test_settings_that_cannot_be_used_are_named(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from warehouse.settings import ConfigurationError

    for name in ("TOWNHUB_PULLS", "TOWNHUB_PULL_MAX_ROWS"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "many")
            with pytest.raises(ConfigurationError, match=f"{name}='many' is no positive whole number"):
                town.pull()
    assert town.loads() == []


def test_each_step_reports_its_own_pull(town: Town) -> None:
    """In Dagster: a failing stream fails its own step; what landed is checked beside the pulls, one after another."""
    import dagster as dg

    from orchestration import intake
    from quality import contract_checks

    wanted = {system: town.contracts[system] for system in ("fire_119", "death_register", "safety_inspection")}
    judged: list[tuple[str, threading.Thread]] = []
    judge = contract_checks.check_stream

    def noted(conn: psycopg.Connection, stream: Stream, **how: Any) -> list[CheckResult]:
        judged.append((stream.name, threading.current_thread()))
        return judge(conn, stream, **how)

    def refuse(pull: Pull) -> Iterator[Page]:
        raise Permanent("the password was refused", "Ask for a new one")
        yield

    town.sources["fire_119"] = refuse
    collected = PassReport()
    with pytest.MonkeyPatch.context() as patch, collecting(collected), dg.DagsterInstance.ephemeral() as instance:
        patch.setattr(contract_checks, "check_stream", noted)
        done = dg.materialize(intake.assets(wanted), instance=instance, raise_on_error=False)
    assert not done.success
    good = {
        ("death_register", "deaths"),
        *(("safety_inspection", name) for name in wanted["safety_inspection"].streams),
    }
    assert {tuple(event.asset_key.path[1:]) for event in done.get_asset_materialization_events()} == good
    assert {check.asset_key.path[1:][0] for check in done.get_asset_check_evaluations()} == {s for s, _ in good}
    assert {name for name, _ in judged} == {name for _, name in good}
    assert threading.main_thread() not in {thread for _, thread in judged}
    assert {key for key, outcome in collected.streams.items() if outcome.state == "committed"} == good
    assert [failure.split(":")[0] for failure in collected.failures] == ["fire_119.incidents"]
    assert {load.state for load in town.loads("fire_119")} == {"failed"}
    assert set(collected.busy) == {"extract", "conform", "land"}


def test_a_cancelled_run_stops_at_what_is_under_way(
    town: Town, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from orchestration import intake

    monkeypatch.setenv("TOWNHUB_PULLS", "1")
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", SECONDS)

    def interrupting(pull: Pull) -> Iterator[Page]:
        os.kill(os.getpid(), signal.SIGINT)
        gate.wait(SECONDS)
        yield from town.give(pull)

    town.sources = dict.fromkeys(town.contracts, interrupting)
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises((KeyboardInterrupt, dg.DagsterExecutionInterruptedError)),
    ):
        dg.materialize(intake.assets(town.contracts), instance=instance)
    assert len(town.loads()) == 1
    gate.set()
    for thread in threading.enumerate():
        if thread.name == "pulls":
            thread.join(SECONDS)
    (load,) = town.loads()
    assert load.state == "failed" and "the run was cancelled" in (load.error or "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pull_whose_thread_cannot_start_fails_and_holds_nobody_up(
    town: Town, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one whose turn it was and those that wait are told; the one at work steps aside and still ends by itself."""
    start = threading.Thread.start
    at_work = threading.Event()

    def refused(thread: threading.Thread) -> None:
        if thread.name == "pull-fire_119":
            assert at_work.wait(SECONDS)
            raise RuntimeError("can't start new thread")
        start(thread)

    def patient(pull: Pull) -> Iterator[Page]:
        at_work.set()
        assert gate.wait(SECONDS)
        yield from town.give(pull)

    monkeypatch.setattr(threading.Thread, "start", refused)
    monkeypatch.setattr(pulls, "PATIENCE_SECONDS", SECONDS)
    monkeypatch.setattr(pulls, "AMPLE_ROWS_UNKNOWN", 1)
    town.sources["death_register"] = patient
    under_way = town.pull("death_register", "fire_119")
    futures = {stream.landing_table: under_way.take(stream) for _, stream in town.asked()}
    (own,) = town.contracts["death_register"].streams.values()
    patient_one = futures.pop(own.landing_table)
    for future in futures.values():
        assert future is not None
        with pytest.raises(RuntimeError, match="can't start new thread"):
            future.result(SECONDS)
    gate.set()
    assert patient_one is not None and patient_one.result(SECONDS).load.state == "committed"
