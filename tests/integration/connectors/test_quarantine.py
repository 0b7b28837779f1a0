"""The quarantine as a workplace, and what retention deletes."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from connectors import quarantine, retention, scorecard
from connectors.contract_folder import load_contracts
from connectors.errors import Permanent
from connectors.landing import Lander
from connectors.protocols.base import BadRecord, Page
from connectors.tables import ensure_tables
from warehouse import audit, connection, ledger

Rows = Callable[..., Page]


def person(number: int, state: str = "1", **rest: str | None) -> dict[str, str | None]:
    return {"bh": f"P{number:03d}", "xm": "王伟", "zt": state, "gxsj": "2026-05-01 08:00:00"} | rest


def held(hub: Any) -> list[tuple[Any, ...]]:
    return hub.ask("SELECT record_key, reasons, times_seen, state FROM quarantine.row ORDER BY quarantine_id")


def number_of(hub: Any, key: str) -> int:
    return int(hub.ask("SELECT quarantine_id FROM quarantine.row WHERE record_key = %s", key)[0][0])


def test_the_same_bad_row_every_day_is_one_row_to_mend(hub: Any, make_page: Rows) -> None:
    for _ in range(3):
        hub.take(make_page(person(1, "9"), person(2, "8"), person(1, "9")))
    assert held(hub) == [
        ("P001", ["state:unknown_code"], 6, "held"),
        ("P002", ["state:unknown_code"], 3, "held"),
    ]


def test_reasons_are_counted_and_explained(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, "9"), person(2, "9"), person(3, gxsj=None), bad=(BadRecord(4, "x", "ragged_line"),)))
    with connection.connect("loader") as conn:
        rows = quarantine.list_reasons(conn, "demo")
        assert [(row["reason"], row["rows"]) for row in rows] == [
            ("state:unknown_code", 2),
            ("changed_at:missing_required", 1),
            ("ragged_line", 1),
        ]
        assert "add the code to the contract, then replay" in rows[0]["remedy"]
        assert quarantine.list_reasons(conn, "other") == []
        listed = quarantine.list_rows(conn, system="demo", limit=2)
    assert [row["reasons"] for row in listed] == ["ragged_line", "changed_at:missing_required"]
    assert not any("payload" in name or "key" in name for name in listed[0])


def test_a_row_is_shown_with_people_masked(hub: Any, make_page: Rows) -> None:
    hub.take(
        make_page(person(1, "9", xm="古丽·买买提", unknown="13912345670"), bad=(BadRecord(2, "王伟;1", "ragged_line"),))
    )
    with connection.connect("loader") as conn:
        shown = quarantine.show(conn, number_of(hub, "P001"))
        broken = quarantine.show(conn, quarantine.list_rows(conn, limit=1)[0]["quarantine_id"])
    assert (shown["bh"], shown["zt"]) == ("P001", "9")
    assert shown["xm"] == "••• (6 characters)"
    assert shown["unknown"] == "••• (11 characters)", "nobody has said what class it is"
    assert "add the code to the contract" in shown["why"]
    assert broken["record"] == "••• (4 characters)"
    with connection.connect("loader") as conn, pytest.raises(Permanent, match="there is no quarantined row 999999"):
        quarantine.show(conn, 999999)


@pytest.mark.parametrize("extra", [{}, {"brand_new": "x"}], ids=["as agreed", "with a new column"])
def test_rows_are_taken_again_once_the_contract_is_mended(hub: Any, make_page: Rows, extra: dict[str, str]) -> None:
    rows = [person(1) | extra, person(2, "9") | extra, person(3, "8") | extra]
    rows = [{name: row[name] for name in reversed(row)} for row in rows]  # the upstream's order is not the contract's
    hub.take(make_page(*rows))
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", by="Li") == {"tried": 2, "landed": 0, "unchanged": 0, "held": 2}
    before = held(hub)
    assert [state for *_, state in before] == ["held", "held"], "as they were: the contract is the same"
    hub.mend('"2": gone', '"2": gone, "9": moved')
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", "people", by="Li") == {
            "tried": 2,
            "landed": 1,
            "unchanged": 0,
            "held": 1,
        }
    assert [(row[0], row[2]) for row in hub.current()] == [("P001", "here"), ("P002", "moved")]
    assert [(key, state) for key, _, _, state in held(hub)] == [("P002", "replayed"), ("P003", "held")]
    assert hub.ask("SELECT settled_by, settled_by_load FROM quarantine.row WHERE record_key = 'P002'") == [("Li", 3)]
    assert hub.take(make_page(*rows)).unchanged == 2, "the upstream's own copy is known by then"
    kept = hub.ask("SELECT payload FROM quarantine.row WHERE record_key = 'P003'")
    assert kept == [(rows[2],)], "still everything that was received"


def test_a_replay_does_not_bring_back_what_is_out_of_date(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, "9")))
    hub.take(make_page(person(1, "2", gxsj="2026-05-02 08:00:00")))
    hub.mend('"2": gone', '"2": gone, "9": moved')
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", by="Li")["landed"] == 1
    assert [row[2] for row in hub.current()] == ["gone"]


def entry(number: int, value: str, **rest: str) -> dict[str, str]:
    return {"bh": f"R{number}", "z": value, "sj": "2026-05-01 08:00:00.250", "fs": "1777593600250", "je": "1.50"} | rest


def test_a_conflict_stays_a_conflict_until_a_person_settles_it(register: Any, make_page: Rows) -> None:
    register.take(make_page(entry(1, "a"), entry(1, "b"), entry(2, "c")))
    assert [(key, reasons) for key, reasons, *_ in held(register)] == [("R1", ["id:conflicting_duplicate"])]
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", by="Li")["held"] == 1
    assert [row[1] for row in register.current()] == ["a", "c"]
    assert [(key, times) for key, _, times, _ in held(register)] == [("R1", 1)], "a replay is no sighting"


def test_a_conflicting_row_is_kept_as_it_could_be_sent_again(register: Any, make_page: Rows) -> None:
    """Times by their instant, whatever the source's zone: read again they mean the same."""
    from connectors.conform import Conformer

    register.take(make_page(entry(1, "a"), entry(1, "b")))
    ((payload,),) = register.ask("SELECT payload_text FROM quarantine.row")
    conform = Conformer(register.stream, register.contract.server_of(register.stream))
    again = conform(make_page(json.loads(payload)).frame)
    sent = conform(make_page(entry(1, "b")).frame)
    assert again.rejected.is_empty()
    assert again.accepted.to_dicts() == sent.accepted.to_dicts()


def test_a_row_that_is_no_record_is_discarded_with_a_reason(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, "9")))
    number = number_of(hub, "P001")
    with connection.connect("loader") as conn:
        with pytest.raises(Permanent, match="a reason is missing"):
            quarantine.discard(conn, number, "Li", "  ")
        quarantine.discard(conn, number, "Li", "a test entry of the vendor")
        with pytest.raises(Permanent, match="is discarded already"):
            quarantine.discard(conn, number, "Li", "again")
        assert quarantine.replay(conn, "demo", by="Li")["tried"] == 0
    settled = hub.ask("SELECT state, settled_by, settled_reason, settled_at IS NOT NULL FROM quarantine.row")
    assert settled == [("discarded", "Li", "a test entry of the vendor", True)]


@pytest.fixture
def obeying_now(hub: Any, make_page: Rows) -> int:
    """A held row (P001) whose contract was mended since."""
    hub.take(make_page(person(1, "9")))
    hub.mend('"2": gone', '"2": gone, "9": moved')
    return number_of(hub, "P001")


def settled(hub: Any) -> list[Any]:
    return hub.ask("SELECT state, settled_by, settled_reason FROM quarantine.row")


def test_a_row_that_is_being_replayed_cannot_be_discarded(
    hub: Any, obeying_now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steward's discard waits for the replay, and is then told that the row is a record."""
    told: list[Permanent] = []

    def discard() -> None:
        with connection.connect("loader") as conn, pytest.raises(Permanent) as refused:
            quarantine.discard(conn, obeying_now, "Li", "a test entry of the vendor")
        told.append(refused.value)

    steward = threading.Thread(target=discard)

    class Meanwhile(Lander):
        def finish(self, **how: Any) -> Any:
            steward.start()
            steward.join(1)
            assert steward.is_alive(), "it waits"
            return super().finish(**how)

    monkeypatch.setattr(quarantine, "Lander", Meanwhile)
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", by="Wang")["landed"] == 1
    steward.join(20)
    assert [f"row {obeying_now} is replayed already" in str(each) for each in told] == [True]
    assert settled(hub) == [("replayed", "Wang", "obeys the contract now")]
    assert [row[2] for row in hub.current()] == ["moved"]


def test_a_row_that_was_discarded_meanwhile_is_not_replayed(
    hub: Any, obeying_now: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = ledger.open_load

    def discarded_meanwhile(conn: psycopg.Connection, **what: Any) -> int:
        with connection.connect("loader") as steward:
            quarantine.discard(steward, obeying_now, "Li", "a test entry of the vendor")
        return opened(conn, **what)

    monkeypatch.setattr(ledger, "open_load", discarded_meanwhile)
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", by="Wang") == {"tried": 0, "landed": 0, "unchanged": 0, "held": 0}
    assert settled(hub) == [("discarded", "Li", "a test entry of the vendor")]
    assert hub.current() == []


def test_both_decisions_are_in_the_audit_chain(hub: Any, obeying_now: int, make_page: Rows) -> None:
    hub.take(make_page(person(2, "8")))
    number = number_of(hub, "P002")
    with connection.connect("loader") as conn:
        quarantine.replay(conn, "demo", by="Wang")
        quarantine.discard(conn, number, "Li", "王伟 rang: no record of his")
    row = {"system": "demo", "stream": "people"}
    assert hub.ask("SELECT actor, action, detail FROM control.audit WHERE action LIKE 'quarantine.%' ORDER BY seq") == [
        ("Wang", "quarantine.replay", row | {"load": 3, "rows": 1}),
        ("Li", "quarantine.discard", row | {"row": number}),
    ], "the reason may speak of a person: it stays with the row and goes with it"


def test_what_cannot_be_replayed_says_so(hub: Any) -> None:
    with connection.connect("loader") as conn:
        with pytest.raises(Permanent, match="there is no system nobody"):
            quarantine.replay(conn, "nobody", by="Li")
        with pytest.raises(Permanent, match=r"no contract describes demo\.nothing"):
            quarantine.replay(conn, "demo", "nothing", by="Li")
        assert conn.info.transaction_status in (
            psycopg.pq.TransactionStatus.IDLE,
            psycopg.pq.TransactionStatus.INTRANS,
        )


def test_of_a_refused_contract_the_mistakes_are_told(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, "9")))
    path = hub.folder / "demo.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("value: gateway", "value: telepathy"), encoding="utf-8")
    told = r"the contract of demo is refused:\ndemo\.odcs\.yaml:\d+: .*telepathy"
    with connection.connect("loader") as conn:
        with pytest.raises(Permanent, match=told):
            quarantine.replay(conn, "demo", by="Li")
        with pytest.raises(Permanent, match=told):
            quarantine.show(conn, number_of(hub, "P001"))


def test_what_is_past_its_retention_goes_with_a_certificate(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, gxsj="2025-02-01 08:00:00"), person(2, "9"), person(3)))
    hub.take(make_page(person(3, "2", gxsj="2026-05-02 08:00:00")))
    with connection.connect("loader") as conn:
        conn.execute(
            "INSERT INTO inbox.message (system, stream, delivery_id, payload) VALUES ('demo', 'people', '1', ''), "
            "('demo', 'people', '2', '')"
        )
        conn.execute(
            "UPDATE control.cursor SET value = jsonb_set(value, '{state}', (SELECT jsonb_build_object('message_id', "
            "min(message_id)) FROM inbox.message))"
        )
    today = dt.date(2026, 6, 1)
    with connection.connect("loader") as conn:
        assert retention.purge(conn, {"demo": hub.contract}, today) == {("demo", "people"): 1}
    assert [row[0] for row in hub.current()] == ["P003"], "P001 is over since February of last year"
    ten_years = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=3653)
    with connection.connect("loader") as conn:
        # Both versions of P003, the held row and the message that was taken in.
        assert retention.purge(conn, {"demo": hub.contract}, ten_years) == {("demo", "people"): 4}
        assert retention.purge(conn, {"demo": hub.contract}, ten_years) == {}
    assert hub.ask("SELECT (SELECT count(*) FROM quarantine.row), (SELECT count(*) FROM inbox.message)") == [(0, 1)], (
        "a message that nobody has taken in yet stays"
    )
    with psycopg.connect(hub.url) as conn:
        certificates = audit.entries(conn, action="deletion certificate")
        assert [entry.detail["rows"] for entry in certificates] == [4, 1]
        assert certificates[1].detail == {
            "system": "demo", "stream": "people", "older_than": "2025-06-01", "rows": 1,
        }  # fmt: skip
        assert audit.verify(conn) is None


def states(hub: Any) -> list[tuple[Any, ...]]:
    return hub.ask("SELECT record_key, state FROM quarantine.row ORDER BY quarantine_id")


def test_a_good_version_that_is_not_older_settles_the_held_one(hub: Any, make_page: Rows) -> None:
    late, new = "2026-05-01 09:00:00", "2026-05-02 08:00:00"
    hub.take(make_page(person(1, "9", gxsj=late), person(2, "9", gxsj=late), person(3, "9", gxsj=late)))
    done = hub.take(make_page(person(1, gxsj=new), person(2, gxsj="2026-05-01 07:00:00")))
    assert done.notes == {"held_rows_settled": 1}
    assert states(hub) == [("P001", "superseded"), ("P002", "held"), ("P003", "held")], "P002 came late: it is older"
    assert hub.ask("SELECT count(*) FROM control.held_rows") == [(2,)]


def test_a_good_version_known_already_settles_too(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1)))
    hub.take(make_page(person(1, "9")))
    assert hub.take(make_page(person(1))).unchanged == 1
    assert states(hub) == [("P001", "superseded")]


def test_a_bad_row_that_comes_again_waits_on(register: Any, make_page: Rows) -> None:
    for _ in range(3):
        register.take(make_page(entry(1, "a"), entry(1, "b", je="x"), entry(2, "c")))
    assert states(register) == [("R1", "held")], "the good row beside it does not settle what the source still sends"


def test_a_whole_register_without_the_row_settles_it(register: Any, make_page: Rows) -> None:
    register.take(make_page(entry(1, "a"), entry(2, "b", je="x"), bad=(BadRecord(3, "R3;?", "ragged_line"),)))
    register.upstream.complete = False
    register.take(make_page(entry(1, "a")))
    assert [state for _, state in states(register)] == ["held", "held"], "a part of the register says nothing of others"
    register.upstream.complete = True
    register.take(make_page(entry(1, "a")))
    assert [state for _, state in states(register)] == ["superseded", "superseded"]


def test_a_replay_never_puts_an_old_version_over_its_correction(register: Any, make_page: Rows) -> None:
    """The key could not be read when the row was held, so nothing settled it when the correction came."""
    register.upstream.complete = False
    key = "primaryKey: true, required: true, classification: L1"
    codes = ', customProperties: [{property: codes, value: {"1": "R1"%s}}]}\n      - {name: value'
    register.mend(key + "}\n      - {name: value", key + codes % "")
    register.take(make_page(entry(1, "old") | {"bh": "一"}))
    register.take(make_page(entry(1, "new") | {"bh": "1"}))
    register.mend(codes % "", codes % ', "一": "R1"')
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", "register", by="Li")["landed"] == 0
    assert [row[1] for row in register.current()] == ["new"]
    assert [state for _, state in states(register)] == ["superseded"]


def sightings(hub: Any) -> list[tuple[Any, ...]]:
    return hub.ask("SELECT state, times_seen, last_seen, last_load_id FROM quarantine.row ORDER BY quarantine_id")


def test_a_replay_is_no_sighting(register: Any, make_page: Rows) -> None:
    register.take(make_page(entry(1, "good"), entry(2, "bad", je="x")))
    before = sightings(register)
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", "register", by="Li")["held"] == 1
    assert sightings(register) == before


def test_of_one_pull_neither_version_is_put_over_the_other(register: Any, make_page: Rows) -> None:
    register.take(make_page(entry(1, "good"), entry(1, "other", sj="morgen")))
    register.mend(
        "logicalType: timestamp, classification: L1}\n      - {name: sent_at",
        "logicalType: timestamp, "
        "classification: L1, customProperties: [{property: onInvalid, value: withhold}]}\n      - {name: sent_at",
    )
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", "register", by="Li")["landed"] == 0
    assert [row[1] for row in register.current()] == ["good"]
    assert states(register) == [("R1", "held")], "nothing says which of the two is right"


def test_what_was_discarded_stays_so_when_it_is_sent_again(register: Any, make_page: Rows) -> None:
    rows = make_page(entry(1, "a"), entry(2, "b", je="x"))
    register.take(rows)
    with connection.connect("loader") as conn:
        quarantine.discard(conn, number_of(register, "R2"), "Li", "a test entry of theirs")
    again = register.take(rows)
    assert (again.rows_in, again.unchanged, again.quarantined) == (2, 1, 1), "it is still accounted for"
    assert [row[:2] for row in sightings(register)] == [("discarded", 2)]


def test_half_a_character_is_held_and_never_replayed(hub: Any, make_page: Rows) -> None:
    cut = BadRecord(1, '{"bh": "P001", "xm": "\\ud83d"}', "undecodable_text")
    long = BadRecord(3, '{"bh": "P003", "xm": "王… (9 characters)"}', "oversized_field")
    hub.take(make_page(person(2), bad=(cut, long)))
    with connection.connect("loader") as conn:
        assert quarantine.replay(conn, "demo", by="Li")["tried"] == 0
    assert [state for _, state in states(hub)] == ["held", "held"]


@pytest.mark.parametrize("loss", ["broken", "removed"])
def test_retention_outlives_the_contract(hub: Any, make_page: Rows, loss: str) -> None:
    """A slip in a contract file is no reason to keep what the law says to delete."""
    hub.take(make_page(person(1, gxsj="2025-02-01 08:00:00"), person(2, "9"), person(3)))
    path = hub.folder / "demo.odcs.yaml"
    if loss == "broken":
        path.write_text(path.read_text(encoding="utf-8").replace("value: gateway", "value: telepathy"), "utf-8")
    else:
        path.rename(path.with_suffix(".kept"))
    readable = load_contracts(hub.folder)
    assert readable == {}
    with connection.connect("loader") as conn:
        assert retention.purge(conn, readable, dt.date(2026, 6, 1)) == {("demo", "people"): 1}
    assert [row[0] for row in hub.ask("SELECT id FROM landing.demo__people WHERE _to_load IS NULL")] == ["P003"]


@pytest.mark.parametrize("readable", [True, False])
def test_what_still_stands_is_not_over(hub: Any, make_page: Rows, readable: bool) -> None:
    """A hazard that nobody has mended is one however old it is, and also where its contract was lost since."""
    hub.take(make_page(person(1, gxsj="2025-02-01 08:00:00"), person(2, gxsj="2025-02-01 08:00:00")))

    def purged(*stands: dict[str, Any]) -> dict[tuple[str, str], int]:
        people = replace(hub.contract.streams["people"], stands_while=stands)
        known = {"demo": replace(hub.contract, streams={"people": people})}
        with connection.connect("loader") as conn:
            ensure_tables(conn, known)
            return retention.purge(conn, known if readable else {}, dt.date(2026, 6, 1))

    assert purged({"id": "P001", "name": None}, {"id": "P001", "state": "here"}, {"id": "P002"}) == {}
    assert purged({"id": "P001", "name": None}, {"id": "P002"}) == {("demo", "people"): 1}
    assert [row[0] for row in hub.current()] == ["P002"]


def test_a_longer_retention_counts_before_the_next_run(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, gxsj="2025-02-01 08:00:00")))
    longer = replace(hub.contract, retention_days=3650)
    with connection.connect("loader") as conn:
        assert retention.purge(conn, {"demo": longer}, dt.date(2026, 6, 1)) == {}


def test_a_clock_that_ran_ahead_does_not_hold_a_row_for_ever(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(person(1, gxsj="2999-01-01 00:00:00")))
    hub.take(make_page(person(1)))
    assert states(hub) == [("P001", "superseded")]


def test_a_register_with_a_nameless_row_says_which_deletions_it_withholds(register: Any, make_page: Rows) -> None:
    register.take(make_page(*(entry(number, "a") for number in range(9))))
    done = register.take(make_page(*(entry(number, "a") for number in range(7)), entry(8, "a") | {"bh": None}))
    assert (done.tombstoned, done.notes["deletions_withheld"]) == (0, 2)
    assert register.ask("SELECT notes FROM control.load ORDER BY load_id DESC LIMIT 1") == [
        ({"deletions_withheld": 2},)
    ]


def test_columns_that_no_contract_describes_are_kept_apart_and_told(hub: Any, make_page: Rows) -> None:
    done = hub.take(make_page(person(1) | {"bz": "新列"}, person(2) | {"bz": None}, person(3, "9") | {"bz": "x"}))
    assert done.notes == {"added_columns": {"bz": 2}}
    assert hub.take(make_page(person(1) | {"bz": "新列"})).landed == 0
    kept = hub.ask("SELECT record_key, fields FROM quarantine.addition")
    assert [(key, json.loads(fields)) for key, fields in kept] == [("P001", {"bz": "新列"})]
    with connection.connect("loader") as conn:
        retention.purge(conn, {"demo": hub.contract}, dt.date.today() + dt.timedelta(days=800))
    assert hub.ask("SELECT count(*) FROM quarantine.addition") == [(0,)]


def test_the_scorecard_tells_each_owner_what_to_mend(hub: Any, make_page: Rows) -> None:
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
    hub.take(make_page(person(1, "9"), person(2), person(3), person(4)))
    with psycopg.connect(hub.url) as conn:
        conn.execute("UPDATE control.load SET finished_at = finished_at - interval '8 days'")
    hub.take(make_page(person(5, "9"), person(6)))
    with connection.connect("loader") as conn:
        (line,) = scorecard.scorecard(conn, today)
        assert scorecard.scorecard(conn, today, owner="somebody else") == []
    assert (line["owner"], line["stream"], line["reason"], line["outcome"]) == (
        "the testers", "people", "unknown_code", "quarantined",
    )  # fmt: skip
    assert (line["defects"], line["waiting"]) == (1, 2)
    assert (line["per_thousand"], line["per_thousand_before"]) == (500.0, 250.0)
    assert "add the code to the contract" in line["remedy"]
