"""Rows of a register that are known from the pull before: what a pull then does, and when they are known no more."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from connectors import received
from connectors.conform import Conformed, Conformer
from connectors.retention import purge
from warehouse import connection, ledger

SENT = [{"bh": str(n), "z": "a", "sj": "2026-05-01 08:00:00", "fs": None, "je": "1.00"} for n in range(20)]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each page that were conformed. Small registers are known, too."""
    monkeypatch.setattr(received, "FEWEST_ROWS", 0)
    counts: list[int] = []
    conform = Conformer.__call__

    def counted(self: Conformer, page: pl.DataFrame, *, clean: bool = False) -> Conformed:
        counts.append(len(page))
        return conform(self, page, clean=clean)

    monkeypatch.setattr(Conformer, "__call__", counted)
    return counts


def test_only_what_changed_is_judged_again(register: Any, make_page: Any, judged: list[int]) -> None:
    register.take(make_page(*SENT))
    again = register.take(make_page(*SENT))
    assert (again.rows_in, again.unchanged, again.landed) == (20, 20, 0)
    changed = register.take(make_page(*SENT[:5], SENT[5] | {"z": "b"}, *SENT[6:19]))
    assert (changed.unchanged, changed.landed, changed.tombstoned) == (18, 1, 1)
    assert judged == [20, 0, 1]


def test_what_vanished_and_comes_back_is_landed_again(register: Any, make_page: Any, judged: list[int]) -> None:
    register.take(make_page(*SENT))
    assert register.take(make_page(*SENT[:19])).tombstoned == 1
    assert register.take(make_page(*SENT)).landed == 1
    assert len(register.current()) == 20


def test_a_failed_load_leaves_nothing_known(register: Any, make_page: Any, judged: list[int]) -> None:
    with pytest.raises(ValueError):
        register.take(make_page(*SENT), ValueError("it breaks off"))
    assert register.ask("SELECT count(*) FROM control.received") == [(0,)]


def test_another_contract_and_a_backfill_judge_every_row(register: Any, make_page: Any, judged: list[int]) -> None:
    register.take(make_page(*SENT))
    register.mend("physicalName: z, logicalType: string", "physicalName: z, logicalType: string, required: true")
    register.take(make_page(*SENT))
    with connection.connect("loader", autocommit=True) as conn:
        ledger.begin_afresh(conn, "demo", "register")
    register.take(make_page(*SENT))
    assert judged == [20, 20, 20]
    register.take(make_page(*SENT))
    assert judged[3:] == [0]


def test_nothing_is_known_for_longer_than_the_contract_keeps(register: Any, make_page: Any, judged: list[int]) -> None:
    register.take(make_page(*SENT))
    register.ask("UPDATE control.load SET finished_at = finished_at - interval '400 days' RETURNING 1")
    with connection.connect("loader") as conn:
        purge(conn, {"demo": register.contract}, date.today())
    assert register.ask("SELECT count(*) FROM control.received") == [(0,)]
    register.take(make_page(*SENT))
    assert judged == [20, 20]


def test_a_small_register_is_not_worth_knowing(register: Any, make_page: Any) -> None:
    register.take(make_page(*SENT))
    assert register.ask("SELECT count(*) FROM control.received") == [(0,)]
