"""What a pull takes from the cursor of the load before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.contract import Column, Contract, Server, Stream
from connectors.errors import Permanent
from connectors.landed import Landed
from connectors.position import OVERLAP, Position

TODAY = date(2026, 7, 1)
NEWEST = int(datetime(2026, 6, 30, 12, tzinfo=UTC).timestamp() * 1_000_000)
CHANGED = Column("changed_at", "gxsj", "timestamp", "L1", required=True)
STREAM = Stream(
    "s", "t", "t", "changes", (Column("id", "bh", "string", "L1", primary_key=True), CHANGED), cursor=CHANGED
)
SERVER = Server("x", {"protocol": "sftp", "timezone": "Asia/Shanghai"})
GAP = {"from": "2026-06-01T00:00:00+00:00", "to": "2026-06-02T00:00:00+00:00"}


def contract(retention_days: int = 90) -> Contract:
    return Contract(
        "s", "s", "1", "d", "o", "p", "l", "b", ("p",), 60, 60, retention_days, {"x": SERVER}, {"t": STREAM}
    )


def read(value: dict[str, Any], stream: Stream = STREAM, server: Server = SERVER, days: int = 90) -> Position:
    return Position.read(value, contract(days), stream, server, TODAY)


def after(state: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """The cursor that a load of these leaves."""
    return read({}).after(Landed(newest=NEWEST), state or {}) | more


def test_a_pull_goes_on_a_little_before_where_the_last_one_ended() -> None:
    at = read(after({"page": 3}))
    assert at.since == datetime(2026, 6, 30, 12, tzinfo=UTC) - OVERLAP and at.state == {"page": 3}
    assert not (at.afresh or at.rekey or at.reclock or at.restored) and at.gap is None
    assert at.after(Landed(), {})["newest"] == NEWEST, "never back"


def test_a_fast_clock_does_not_move_it_ahead_of_now() -> None:
    ahead = int((datetime.now(UTC) + timedelta(hours=5)).timestamp() * 1_000_000)
    reached = read({}).after(Landed(newest=ahead), {})["newest"]
    assert reached <= int(datetime.now(UTC).timestamp() * 1_000_000)


def test_what_is_read_otherwise_is_read_again_and_only_what_lasts_is_known() -> None:
    before = after({"files": {"a": 1}, "lasting": {"last": "b"}})
    other = replace(STREAM, columns=(*STREAM.columns, Column("more", "m", "string", "L1")))
    at = read(before, other)
    assert at.afresh and not at.reclock and at.since is None and at.state == {"lasting": {"last": "b"}}
    at = read(before, server=Server("x", SERVER.properties | {"timezone": "UTC"}))
    assert at.afresh and at.reclock
    for name in ("pageSize", "finished", "openEnd"):
        assert not read(before, replace(STREAM, source={name: "7"})).afresh, "how, and not what"
    assert read(before, replace(STREAM, source={"interface": "7"})).afresh


def test_another_key_is_refused_until_a_backfill() -> None:
    with pytest.raises(Permanent, match=r"landed by id.*townhub backfill s.t"):
        read(after(), replace(STREAM, columns=(replace(CHANGED, primary_key=True),)))
    at = read({"afresh": True, "rekey": True}, replace(STREAM, columns=(replace(CHANGED, primary_key=True),)))
    assert at.afresh and at.rekey


@pytest.mark.parametrize("value", [{}, {"restored": GAP}, after(restored=GAP)])
def test_a_table_that_notes_what_we_took_is_read_whole_where_we_may_not_have_it(value: dict[str, Any]) -> None:
    flagged = Server("x", SERVER.properties | {"acknowledge": {"column": "f", "waiting": "0", "taken": "1"}})
    assert read(value, server=flagged).afresh and not read(after(), server=flagged).afresh
    assert not read(value).afresh


def test_missing_messages_are_told_until_they_would_be_gone() -> None:
    messages = replace(STREAM, load="messages")
    first = read(after(restored=GAP), messages)
    assert first.restored and first.gap == GAP
    later = first.after(Landed(), {})
    assert "restored" not in later and read(later, messages).gap == GAP and not read(later, messages).restored
    assert read(later, messages, days=20).gap is None and read(after(restored=GAP)).gap is None
