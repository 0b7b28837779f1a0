"""A register that is asked value by value: who is asked, what stands, and that the ledger tells it as it was."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from connectors import intake
from connectors.errors import ContractViolation
from connectors.intake import LoadResult
from connectors.protocols.base import Answered, BadRecord, Page, Pull
from connectors.retention import purge
from warehouse import connection, ledger

DAYS = 5
STREAM = """\
schema:
  - name: accounts
    physicalName: zh
    customProperties:
      - {property: load, value: snapshot}
      - {property: cursor, value: changed_at}
      - {property: expires, value: changed_at}
      - {property: source, value: {interface: x/zh, lookup: {parameter: bh, values: /nowhere, maxAgeDays: 5}}}
    properties:
      - {name: id, physicalName: bh, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: number, physicalName: hh, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: state, physicalName: zt, logicalType: string, classification: L1, customProperties: [{property: codes, value: {"1": here, "2": gone}}]}
      - {name: changed_at, physicalName: gxsj, logicalType: timestamp, required: true, classification: L1}
"""  # noqa: E501
TODAY = date(2026, 6, 30)


def account(who: str, state: str = "1", number: str = "1") -> dict[str, str]:
    return {"bh": who, "hh": number, "zt": state, "gxsj": "2026-05-01 08:00:00"}


@dataclass
class Office:
    """The upstream: accounts by person; and the hub that asks it."""

    hub: Any
    monkeypatch: pytest.MonkeyPatch
    make_page: Callable[..., Page]
    has: dict[str, list[dict[str, str]]]
    wanted: list[str]
    asked: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Who has a record beside that cannot be read."""
    breaks: bool = False
    acknowledge: Any = None
    state: dict[str, Any] = field(default_factory=dict)
    complete: bool = False

    @contextmanager
    def open_extraction(self, pull: Pull) -> Iterator[Office]:
        self._pull = pull
        self.acknowledge = lambda: None
        yield self

    def pages(self) -> Iterator[Page]:
        self.asked = self._pull.due(self.wanted)
        for value in self.asked:
            rows = self.has.get(value, [])
            made = self.make_page(*rows)
            bad = (BadRecord(0, "{", "unreadable"),) if value in self.broken else ()
            yield Page(made.frame, bad, made.bytes_in, (Answered(value, len(rows), len(bad)),))
        if self.breaks:
            raise ContractViolation("the office closed", "Ask later")

    def pull(self, day: int = 0) -> LoadResult:
        self.monkeypatch.setenv("TOWNHUB_AS_OF", (TODAY + timedelta(days=day)).isoformat())
        self.asked = []
        return self.hub.run()  # type: ignore[no-any-return]

    def known(self) -> int:
        return int(self.hub.ask("SELECT count(DISTINCT value) FROM control.lookup_answer")[0][0])


@pytest.fixture
def office(hub: Any, monkeypatch: pytest.MonkeyPatch, make_page: Callable[..., Page]) -> Office:
    hub.mend("schema:\n", STREAM)
    hub.name = "accounts"
    people = [f"P{n:02d}" for n in range(40)]
    made = Office(hub, monkeypatch, make_page, {who: [account(who)] for who in people}, people)
    monkeypatch.setattr(sys.modules["played_upstream"], "open_extraction", made.open_extraction)
    return made


def balance(done: LoadResult) -> tuple[int, int, int, int, int]:
    return done.rows_in, done.landed, done.unchanged, done.quarantined, done.tombstoned


def test_an_answer_stands_and_who_is_not_asked_is_no_row(office: Office) -> None:
    office.has["P01"].append(account("P01", number="2"))
    first = office.pull()
    assert balance(first) == (41, 41, 0, 0, 0)
    assert first.notes["lookups"] == {"wanted": 40, "asked": 40, "answered_well": 40}
    again = office.pull()
    assert (balance(again), office.asked) == ((0, 0, 0, 0, 0), [])
    assert again.notes["lookups"] == {"wanted": 40, "asked": 0, "answered_well": 0}
    assert len(office.hub.current()) == 41, "who was not asked is not absent"
    assert office.hub.ask("SELECT state FROM control.input_status WHERE stream = 'accounts'") == [("fresh",)]


def test_everybody_is_asked_once_in_a_cycle(office: Office) -> None:
    office.pull()
    asked: list[str] = []
    for day in range(1, DAYS + 1):
        done = office.pull(day)
        assert balance(done) == (len(office.asked), 0, len(office.asked), 0, 0)
        assert 0 < len(office.asked) < 20
        asked += office.asked
        assert office.pull(day).rows_in == 0
    assert sorted(asked) == sorted(office.wanted)


def test_new_refused_and_missing_answers_are_asked_at_once(office: Office) -> None:
    office.has["P01"] = [account("P01"), account("P01", "9", "2")]
    del office.has["P02"]
    office.broken = {"P03"}
    first = office.pull()
    assert balance(first) == (41, 39, 0, 2, 0)
    assert first.notes["lookups"] == {"wanted": 40, "asked": 40, "answered_well": 37}
    office.broken.clear()
    office.wanted.append("P99")
    office.has["P99"] = [account("P99")]
    assert balance(office.pull()) == (4, 1, 2, 1, 0)
    assert office.asked == ["P01", "P02", "P03", "P99"]
    office.has["P01"][1] = account("P01", "2", "2")
    office.has["P02"] = [account("P02")]
    done = office.pull()
    assert (balance(done), office.asked) == ((3, 2, 1, 0, 0), ["P01", "P02"])
    assert done.notes["held_rows_settled"] == 1
    assert office.pull().rows_in == 0


def test_what_is_wanted_no_more_is_forgotten_and_its_record_stays(office: Office) -> None:
    office.pull()
    office.wanted = office.wanted[3:]
    assert office.pull().rows_in == 0
    assert (office.known(), len(office.hub.current())) == (37, 40)
    office.wanted.append("P00")
    office.pull()
    assert office.asked == ["P00"]


def test_a_pull_that_ends_badly_has_asked_nobody(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.breaks = True
    with pytest.raises(ContractViolation):
        office.pull()
    assert office.known() == 0
    office.breaks = False
    with monkeypatch.context() as patched:
        patched.setattr(intake, "commit", lambda *_, **__: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            office.pull()
    assert office.known() == 0
    assert office.pull().landed == 40


def test_an_answer_stands_only_as_long_as_its_records(office: Office) -> None:
    office.pull()
    with connection.connect("loader", autocommit=True) as conn:
        conn.execute("DELETE FROM landing.demo__accounts WHERE id = 'P07'")
    assert office.pull().landed == 1
    assert office.asked == ["P07"]


def test_an_account_without_changes_expires_once_nobody_asks_for_it(office: Office) -> None:
    old = {"gxsj": "2020-05-01 08:00:00"}
    office.has |= {who: [account(who) | old] for who in ("P07", "P08")}
    office.pull()
    office.wanted.remove("P08")
    office.pull()
    with connection.connect("loader") as conn:
        purge(conn, {"demo": office.hub.contract}, TODAY)
    assert office.hub.ask("SELECT id FROM landing.demo__accounts WHERE id IN ('P07', 'P08')") == [("P07",)]
    assert office.pull().rows_in == 0


def test_reading_afresh_asks_everybody(office: Office) -> None:
    office.pull()
    with connection.connect("loader", autocommit=True) as conn:
        ledger.begin_afresh(conn, "demo", "accounts")
    assert office.pull().rows_in == 40
    office.hub.mend('"2": gone}', '"2": gone, "3": away}')
    assert office.pull().rows_in == 40
    assert office.pull().rows_in == 0


def test_without_an_age_in_the_contract_every_pull_asks_everybody(office: Office) -> None:
    office.hub.mend(", maxAgeDays: 5", "")
    assert [office.pull().rows_in for _ in range(2)] == [40, 40]
    assert office.known() == 0


def test_answers_past_the_retention_are_forgotten(office: Office) -> None:
    office.pull()
    with connection.connect("loader") as conn:
        purge(conn, {}, TODAY + timedelta(days=370))
    assert office.known() == 0
