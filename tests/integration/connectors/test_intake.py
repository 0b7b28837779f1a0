"""One stream taken in: errors, crashes, lost connections, and that the source hears of a commit only after it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from connectors import intake
from connectors.contract import Column, Server
from connectors.contract_folder import load_contracts
from connectors.errors import ContractViolation, IntakeError, Permanent, Retriable
from connectors.pace import Pace
from connectors.protocols.base import BadRecord, Page
from orchestration.intake import _applied_check
from quality import contract_checks
from quality.checks import CURRENT
from warehouse import connection, holds, ledger
from warehouse.errors import StreamBusy

Rows = Callable[..., Page]


def person(number: int, state: str = "1", minute: int = 0, **rest: str) -> dict[str, str]:
    return {"bh": f"P{number:03d}", "xm": "王伟", "zt": state, "gxsj": f"2026-05-01 08:{minute:02d}:00"} | rest


def test_rows_ledger_cursor_and_defects_are_one(hub: Any, make_page: Rows) -> None:
    hub.upstream.state = {"page": 2}
    done = hub.take(make_page(person(1), person(2, minute=5)), make_page(person(3, "9"), person(1)))
    assert (done.state, done.rows_in, done.landed, done.unchanged, done.quarantined) == ("committed", 4, 2, 1, 1)
    assert done.reasons == {"state:unknown_code": 1}
    assert done.defects == [("state", "unknown_code", "quarantined", 1)]
    assert hub.loads() == [("committed", 4, 2, 1, 1)]
    assert [row[0] for row in hub.current()] == ["P001", "P002"]
    assert hub.cursor() == {
        "newest": 1777593900000000, "state": {"page": 2}, "shape": hub.stream.shape, "key": ["id"],
        "reading": hub.stream.reading(hub.contract.servers["any"]),
        "clock": hub.stream.clock(hub.contract.servers["any"]),
    }  # fmt: skip
    assert hub.ask("SELECT column_name, reason, outcome, rows FROM control.defect") == done.defects
    assert {"extract", "conform", "land"} <= set(done.seconds)
    assert hub.ask("SELECT bytes_in FROM control.load") == [(400,)]


@pytest.mark.parametrize(
    "error", [Permanent("the password was refused", "Ask for a new one"), ValueError("a defect of ours"), KeyError("x")]
)
def test_a_load_that_cannot_succeed_fails_at_once_and_leaves_nothing(
    hub: Any, make_page: Rows, error: Exception
) -> None:
    hub.take(make_page(person(1)))
    before = (hub.current(), hub.cursor())
    with pytest.raises(type(error)):
        hub.take(make_page(person(2, minute=30), person(3, "9")), error)
    assert (hub.current(), hub.cursor()) == before
    assert [state for state, *_ in hub.loads()] == ["committed", "failed"]
    assert hub.ask("SELECT count(*) FROM quarantine.row") == [(0,)]
    assert hub.upstream.acknowledged == 1
    assert hub.take(make_page(person(2))).landed == 1


def test_the_recorded_error_names_the_remedy_and_no_values(hub: Any, make_page: Rows) -> None:
    with pytest.raises(Permanent):
        hub.take(Permanent("the password was refused", "Ask for a new one"))
    with pytest.raises(ValueError):
        hub.take(ValueError("王伟 11010519491231002X"))
    errors = [error for (error,) in hub.ask("SELECT error FROM control.load ORDER BY load_id")]
    assert errors == [
        "the password was refused. Ask for a new one",
        "ValueError: the load broke off; see the run's log",
    ]


def test_a_secret_that_is_not_set_is_a_failed_load_that_says_so(hub: Any) -> None:
    hub.mend("{property: protocol, value: gateway}", "{property: protocol, value: gateway}\n"
             '      - {property: appSecret, value: "${DEMO_SECRET}"}')  # fmt: skip
    with pytest.raises(Permanent, match="DEMO_SECRET is not set"):
        hub.run()
    assert [state for state, *_ in hub.loads()] == ["failed"]


def test_a_column_that_vanished_stops_the_stream(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1)))
    with pytest.raises(ContractViolation, match="no longer sends zt"):
        hub.take(make_page({key: value for key, value in person(2).items() if key != "zt"}))
    assert [row[0] for row in hub.current()] == ["P001"]


def test_records_that_never_became_rows_are_quarantined_too(hub: Any, make_page: Rows) -> None:
    bad = (BadRecord(7, 'P009;"王', "ragged_line"), BadRecord(8, "\\xff\\xfe", "undecodable_text"))
    done = hub.take(make_page(person(1), bad=bad))
    assert (done.rows_in, done.landed, done.quarantined) == (3, 1, 2)
    assert done.reasons == {":ragged_line": 1, ":undecodable_text": 1}
    held = hub.ask("SELECT row_no, payload_text, payload, reasons FROM quarantine.row ORDER BY row_no")
    assert held == [(7, 'P009;"王', None, ["ragged_line"]), (8, "\\xff\\xfe", None, ["undecodable_text"])]


def test_the_source_hears_of_the_commit_only_after_it(hub: Any, make_page: Rows) -> None:
    seen: list[Any] = []
    hub.upstream.on_acknowledge = lambda: seen.append((hub.loads(), hub.current()))
    hub.take(make_page(person(1)))
    assert [(loads[0][0], len(rows)) for loads, rows in seen] == [("committed", 1)]


@pytest.mark.parametrize("kind", [Retriable, Permanent])
def test_a_source_that_cannot_be_told_leaves_a_committed_load_with_a_note(
    hub: Any, make_page: Rows, kind: type[IntakeError]
) -> None:
    def refuse() -> None:
        raise kind("the line went dead", "Check the right to update")

    hub.upstream.on_acknowledge = refuse
    done = hub.take(make_page(person(1), person(2, "9")))
    assert (done.state, done.landed, done.quarantined) == ("committed", 1, 1)
    assert done.notes == {"not_acknowledged": "the line went dead. Check the right to update"}
    assert hub.ask("SELECT state, notes FROM control.load") == [("committed", done.notes)]
    check = _applied_check(done)
    assert not check.passed and "Check the right to update" in str(check.description)
    hub.upstream.on_acknowledge = lambda: None
    again = hub.take(make_page(person(1)))
    assert (again.unchanged, again.notes) == (1, {})
    assert _applied_check(again).passed
    assert hub.upstream.acknowledged == 1 and len(hub.upstream.pulls) == 2, "the load is not tried again for it"


def test_what_was_noted_of_a_load_before_stands_beside_it(hub: Any, make_page: Rows) -> None:
    def refuse() -> None:
        raise Retriable("the line went dead\0")

    hub.upstream.on_acknowledge = refuse
    done = hub.take(make_page(person(1, neu="x")))
    assert done.notes == {"added_columns": {"neu": 1}, "not_acknowledged": "the line went dead"}
    assert hub.ask("SELECT notes FROM control.load") == [(done.notes,)]


def test_two_runs_of_one_stream_do_not_meet(hub: Any, make_page: Rows) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        assert go_on.wait(20)

    hub.upstream.gives(make_page(person(1)), wait)
    results: list[Any] = []
    first = threading.Thread(target=lambda: results.append(hub.run()))
    first.start()
    assert inside.wait(20)
    try:
        second = hub.run()
    finally:
        go_on.set()
        first.join(20)
    assert (second.state, second.load_id) == ("skipped", 0)
    assert [done.state for done in results] == ["committed"]
    assert len(hub.loads()) == 1


def entry(number: int, value: str = "a") -> dict[str, str]:
    return {"bh": f"R{number:03d}", "z": value, "sj": "2026-05-01 08:00:00", "fs": "1777593600250", "je": "1.50"}


def test_a_mass_delete_is_held_until_a_named_person_lets_it_through(register: Any, make_page: Rows) -> None:
    everything = make_page(*(entry(number) for number in range(40)))
    half = make_page(*(entry(number) for number in range(20)))
    register.take(everything)
    assert register.take(half).state == "held"
    assert register.take(half).state == "held"
    assert len(register.current()) == 40 and register.upstream.acknowledged == 1
    with connection.connect("loader") as conn:
        (hold,) = holds.list_holds(conn)
        assert (hold["kind"], hold["detail"]) == ("mass_delete", {"known": 40, "absent": 20, "limit": 0.2})
        holds.release_hold(conn, hold["hold_id"], "Wang", "the register was divided")
    done = register.take(half)
    assert (done.state, done.tombstoned) == ("committed", 20)
    assert len(register.current()) == 20
    assert register.take(make_page(entry(1))).state == "held", "one release lets one load through"
    assert [state for state, *_ in register.loads()] == ["committed", "held", "held", "committed", "held"]


def test_a_released_hold_allows_what_it_was_about_and_no_more(register: Any, make_page: Rows) -> None:
    register.take(make_page(*(entry(number) for number in range(100))))
    assert register.take(make_page(*(entry(number) for number in range(70)))).state == "held"
    with connection.connect("loader") as conn:
        (hold,) = holds.list_holds(conn)
        holds.release_hold(conn, hold["hold_id"], "Wang", "thirty moved away")
    assert register.take(make_page(entry(1))).state == "held"
    assert register.take(make_page(*(entry(number) for number in range(68)))).tombstoned == 32


def test_what_moved_out_of_sight_is_looked_for_before_it_is_taken_for_deleted(register: Any, make_page: Rows) -> None:
    register.take(make_page(*(entry(number) for number in range(40))))
    assert register.take(make_page(*(entry(number) for number in range(41)))).tombstoned == 0
    assert register.upstream.readings == 0, "nothing is missed"
    register.upstream.out_of_sight = [make_page(entry(7), entry(8, "b"), {"bh": None})]
    done = register.take(make_page(*(entry(number) for number in range(41) if number not in (7, 8, 9))))
    assert register.upstream.readings == 1
    assert (done.rows_in, done.landed, done.unchanged, done.quarantined) == (41, 1, 39, 1)
    assert done.tombstoned == 0, "the row without a key may be the ninth"
    register.upstream.out_of_sight.clear()
    assert register.take(make_page(*(entry(number) for number in range(41) if number != 9))).tombstoned == 1
    assert len(register.current()) == 40


def test_what_is_read_anew_or_waits_in_quarantine_is_looked_for_too(register: Any, make_page: Rows) -> None:
    everything = [entry(number) for number in range(40)]
    register.take(make_page(*everything[:39], entry(39) | {"je": "much"}))
    assert register.take(make_page(*everything[:39], entry(39) | {"je": "much"})).quarantined == 1
    assert register.upstream.readings == 0, "it is wrong still"
    register.upstream.out_of_sight = [make_page(entry(39) | {"je": "much"})]
    assert register.take(make_page(*everything[:39])).quarantined == 1
    assert register.upstream.readings == 1
    assert [state for state, *_ in register.ask("SELECT state FROM quarantine.row")] == ["held"]
    read_again("register")
    register.upstream.out_of_sight = [make_page(*everything[38:])]
    assert (register.take(make_page(*everything[:38])).tombstoned, register.upstream.readings) == (0, 2)
    assert len(register.current()) == 40


def released(by: str = "Wang") -> dict[str, Any]:
    """The one hold that waits, released."""
    with connection.connect("loader") as conn:
        (hold,) = holds.list_holds(conn)
        holds.release_hold(conn, hold["hold_id"], by, "it was meant")
    return hold


def read_again(stream: str) -> None:
    with connection.connect("loader", autocommit=True) as conn:
        ledger.begin_afresh(conn, "demo", stream)


def test_a_backfill_that_brings_less_tells_what_it_took_away(hub: Any, make_page: Rows) -> None:
    """A queue cannot send again: who asks which loads changed the stream must hear of one that emptied it."""
    hub.upstream.complete = False
    hub.take(make_page(*(person(number) for number in range(40))))
    read_again("people")
    assert hub.take().state == "held"
    released()
    done = hub.take()
    assert (done.state, done.rows_in, done.landed, done.tombstoned, hub.current()) == ("committed", 0, 0, 40, [])
    assert _newest_load(hub) == done.load_id
    # What comes back is counted as landed alone, whatever it says now.
    hub.take(make_page(*(person(number) for number in range(40))))
    read_again("people")
    same = [person(number) for number in range(20)]
    other = [person(number, "2", minute=1) for number in range(20, 37)]
    done = hub.take(make_page(*same, *other), make_page(person(50)))
    assert (done.state, done.landed, done.tombstoned, len(hub.current())) == ("committed", 38, 3, 38)


def _newest_load(hub: Any) -> int | None:
    with connection.connect("builder") as conn:
        return contract_checks._newest_load(conn, hub.stream, CURRENT)


def test_one_release_empties_a_stream_once(hub: Any, make_page: Rows) -> None:
    """Its source never gives the whole, which is no reason to let the next backfill through too."""
    hub.upstream.complete = False
    everything = make_page(*(person(number) for number in range(40)))
    hub.take(everything)
    read_again("people")
    assert hub.take().state == "held"
    hold = released()
    hub.upstream.gives(Retriable("reset by peer"))  # what failed has used nothing
    done = hub.take()
    assert hub.ask("SELECT hold_id, used_by_load FROM control.hold") == [(hold["hold_id"], done.load_id)]
    hub.take(everything)
    read_again("people")
    assert hub.take().state == "held" and len(hub.current()) == 40


def test_a_release_that_was_not_needed_waits_for_the_load_it_was_about(hub: Any, make_page: Rows) -> None:
    hub.upstream.complete = False
    hub.take(make_page(*(person(number) for number in range(40))))
    read_again("people")
    assert hub.take().state == "held"
    released()
    assert hub.take(make_page(*(person(number) for number in range(40)))).state == "committed"
    assert hub.ask("SELECT used_by_load FROM control.hold") == [(None,)]


def test_a_released_collapse_allows_what_it_was_about_and_no_more(register: Any, make_page: Rows) -> None:
    def some_broken(broken: int) -> Page:
        return make_page(*(entry(number) | ({"je": "?"} if number < broken else {}) for number in range(100)))

    register.take(some_broken(0))
    assert register.take(some_broken(30)).state == "held"
    assert released()["detail"]["good"] == 70
    assert register.take(some_broken(99)).state == "held", "thirty broken rows are not ninety-nine"
    done = register.take(some_broken(33))
    assert (done.state, done.quarantined, done.tombstoned) == ("committed", 33, 0)
    assert register.ask("SELECT used_by_load FROM control.hold ORDER BY hold_id LIMIT 1") == [(done.load_id,)]
    assert register.take(some_broken(30)).state == "held"


def test_part_of_a_register_deletes_nothing(register: Any, make_page: Rows) -> None:
    register.take(make_page(*(entry(number) for number in range(40))))
    register.upstream.complete = False
    done = register.take(make_page(entry(1, "b")))
    assert (done.state, done.landed, done.tombstoned) == ("committed", 1, 0)
    assert len(register.current()) == 40


def test_an_empty_snapshot_is_a_mass_delete(register: Any, make_page: Rows) -> None:
    register.take(make_page(*(entry(number) for number in range(40))))
    assert register.take().state == "held"


def test_isolated_streams_are_out_of_the_builders_sight(hub: Any, make_page: Rows) -> None:
    hub.mend("  - {property: legalBasis, value: none-needed}", "  - {property: legalBasis, value: none-needed}\n"
             "  - {property: isolated, value: true}")  # fmt: skip
    hub.take(make_page(person(1)))
    assert hub.ask("SELECT count(*) FROM isolated.demo__people") == [(1,)]
    assert hub.ask("SELECT count(*) FROM landing.demo__people") == [(0,)]
    with connection.connect("builder") as conn:
        assert conn.execute("SELECT count(*) FROM landing.demo__people").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("SELECT * FROM isolated.demo__people")


def test_progress_tells_rows_received_so_far(hub: Any, make_page: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "CHUNK_ROWS", 2)
    told: list[int] = []
    hub.upstream.gives(*(make_page(person(number)) for number in range(5)))
    done = intake.run_stream(hub.contract, hub.stream, run_id="test", pace=Pace(progress=told.append))
    assert told == [2, 4, 5] and done.landed == 5


def test_a_contract_may_grow_columns_and_not_change_their_type(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1)))
    state = "- {name: state, physicalName: zt"
    hub.mend(state, "- {name: age, physicalName: nl, logicalType: integer, classification: L1}\n      " + state)
    hub.take(make_page(person(2, nl="30")))
    assert [(row[0], row[2]) for row in hub.current()] == [("P001", None), ("P002", 30)]
    with pytest.raises(Permanent, match="column age was landed as bigint, the contract now says text"):
        hub.mend("physicalName: nl, logicalType: integer", "physicalName: nl, logicalType: string")


def test_a_contract_that_reads_otherwise_takes_everything_in_again(hub: Any, make_page: Rows) -> None:
    row = {"bh": "P1", "xm": "王伟", "zt": "1", "gxsj": "2026-05-01 08:00:00", "bz": "new"}
    hub.take(make_page(row))
    assert hub.take(make_page()).rows_in == 0 and not hub.upstream.pulls[-1].afresh
    hub.mend(
        "      - {name: changed_at,",
        "      - {name: remark, physicalName: bz, logicalType: string, classification: L1}\n      - {name: changed_at,",
    )
    assert hub.take(make_page(row)).landed == 1
    asked = hub.upstream.pulls[-1]
    assert asked.afresh and asked.since is None and asked.state == {}
    hub.take(make_page())
    assert not hub.upstream.pulls[-1].afresh, "once is enough"


LOAD = "{property: load, value: changes}"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{property: timezone, value: Asia/Shanghai}", "{property: timezone, value: UTC}"),
        ("{property: timezone, value: Asia/Shanghai}", "{property: encoding, value: gb18030}"),
        ("physicalName: ry", "physicalName: ry2"),
        (
            "{property: load, value: changes}",
            "{property: load, value: changes}\n      - {property: source, value: {interface: b}}",
        ),
        ("physicalName: xm, logicalType: string,", "physicalName: xm, logicalType: string, required: true,"),
    ],
)
def test_a_corrected_contract_reads_everything_again(hub: Any, make_page: Rows, old: str, new: str) -> None:
    hub.take(make_page(person(1)))
    hub.mend(old, new)
    hub.take(make_page(person(1)))
    assert hub.upstream.pulls[-1].afresh and hub.upstream.pulls[-1].since is None
    hub.take(make_page())
    assert not hub.upstream.pulls[-1].afresh, "once is enough"


def test_a_warehouse_of_before_reads_nothing_again(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1)))
    with psycopg.connect(hub.url) as conn:
        conn.execute("UPDATE control.cursor SET value = value - 'reading' - 'clock'")
    hub.take(make_page())
    assert not hub.upstream.pulls[-1].afresh
    assert {"reading", "clock"} <= hub.cursor().keys()


def test_how_fast_a_source_is_asked_is_no_other_reading() -> None:
    contract = load_contracts()["payee_account"]
    (stream,) = contract.streams.values()
    server = contract.server_of(stream)
    slower = replace(
        stream, source=stream.source | {"pageSize": 7, "lookup": stream.source["lookup"] | {"maxAgeDays": 3}}
    )
    assert slower.reading(server) == stream.reading(server)
    # Without a point or a written time, neither map nor zone matters.
    bare = replace(stream, columns=stream.columns[:1], cursor=None)
    moved = Server("any", server.properties | {"crs": "gcj02", "timezone": "UTC"})
    assert bare.reading(moved) == bare.reading(server) and bare.clock(moved) is None
    place = replace(
        bare, columns=(*bare.columns, Column("longitude", "x", "number", "L1", semantic_type="geo.longitude"))
    )
    assert place.reading(moved) != place.reading(server)


def test_another_key_is_refused_until_everything_is_read_again_under_it(hub: Any, make_page: Rows) -> None:
    row = {"bh": "P1", "xm": "王伟", "zt": "1", "gxsj": "2026-05-01 08:00:00"}
    hub.take(make_page(row))
    hub.mend(
        "{name: state, physicalName: zt, logicalType: string,",
        "{name: state, physicalName: zt, logicalType: string, primaryKey: true, required: true,",
    )
    with pytest.raises(Permanent, match=r"key is id, state, but .* landed by id: .*townhub backfill demo\.people"):
        hub.run()
    assert len(hub.current()) == 1
    with connection.connect("loader", autocommit=True) as conn, connection.connect("loader", autocommit=True) as other:
        with ledger.stream_lock(other, "demo", "people"), pytest.raises(StreamBusy):
            ledger.begin_afresh(conn, "demo", "people")
        assert ledger.begin_afresh(conn, "demo", "people")
        assert not ledger.begin_afresh(conn, "demo", "no_such")
    assert hub.take(make_page()).state == "held"
    assert len(hub.current()) == 1, "a source that answers nothing empties no register"
    done = hub.take(make_page(row))
    assert (done.landed, len(hub.current())) == (1, 1), "the version of the old key is closed, not doubled"
    assert hub.upstream.pulls[-1].afresh
    with connection.connect("loader") as conn:
        kept = conn.execute("SELECT _to_load FROM landing.demo__people ORDER BY _from_load").fetchall()
    assert [version[0] for version in kept] == [done.load_id, None]
    assert hub.take(make_page(row)).unchanged == 1
