"""A contract held against what is landed: what it has forgotten, bent or switched off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.contract_check import check_file
from connectors.landed_state import landed_changes
from connectors.protocols.base import Page
from warehouse import connection

Rows = Callable[..., Page]

PERSON = {"bh": "P001", "xm": "王伟", "zt": "1", "gxsj": "2026-05-01 08:00:00"}


def told(hub: Any) -> list[tuple[str, str, str]]:
    """What the contract in the folder, as it reads now, takes away: (where, effect, reason)."""
    contract, problems = check_file(hub.folder / "demo.odcs.yaml")
    assert contract is not None, problems
    with connection.connect("loader") as conn:
        return [(change.where, change.effect, change.reason) for change in landed_changes(conn, contract)]


def rewrite(hub: Any, old: str, new: str) -> None:
    """As `hub.mend`, without making the landing tables follow."""
    path = hub.folder / "demo.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_contract_that_fits_what_is_landed_takes_nothing_away(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(PERSON))
    assert told(hub) == []


def test_a_dropped_column_and_another_type(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(PERSON))
    rewrite(
        hub, "{name: value, physicalName: z, logicalType: string", "{name: value, physicalName: z, logicalType: integer"
    )
    rewrite(hub, "name: name, physicalName: xm", "name: full_name, physicalName: xm")
    assert [(where, effect) for where, effect, _ in told(hub)] == [
        ("demo.people.name", "gone"),
        ("demo.register.value", "gone"),
    ]


def test_a_code_that_rows_still_have(hub: Any, make_page: Rows) -> None:
    hub.take(make_page(PERSON, PERSON | {"bh": "P002", "zt": "2"}))
    rewrite(hub, '{"1": here, "2": gone}', '{"1": here}')
    assert told(hub) == [("demo.people.state", "values", "1 landed rows have other codes")]


def test_a_stream_that_is_gone_and_a_system_switched_off(hub: Any) -> None:
    text = (hub.folder / "demo.odcs.yaml").read_text(encoding="utf-8")
    (hub.folder / "demo.odcs.yaml").write_text(text.split("  - name: register")[0], encoding="utf-8")
    assert told(hub) == [("demo.register", "gone", "the stream is gone")]
    rewrite(hub, "- {property: purposes", "- {property: enabled, value: false}\n  - {property: purposes")
    assert sorted((where, effect) for where, effect, _ in told(hub)) == [
        ("demo.people", "rows"),
        ("demo.register", "gone"),
    ]


def test_nothing_landed_yet_is_nothing_to_lose(hub: Any) -> None:
    with connection.connect("owner") as conn:
        conn.execute("DROP TABLE landing.demo__people, landing.demo__register")
        conn.execute("DELETE FROM control.stream")
    rewrite(hub, '{"1": here, "2": gone}', '{"1": here}')
    assert told(hub) == []
