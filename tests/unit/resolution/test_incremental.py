"""Runs by changes alone: what stands is not linked again, what landed since is, and a full run stays available."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from resolution import carried, sources, things
from resolution.decisions import Record, Verdict, decide
from resolution.runner import resolve
from resolution.source import Source
from warehouse import connection

SOURCE = Source("household_registry", "residents", "person_no", {"resident_id_no": "resident_id", "name": "name"})


@pytest.fixture
def register(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A landing table of one register under its staging view, with thirty people in load 1."""
    monkeypatch.setitem(things.SOURCES, "residents", (SOURCE,))
    with psycopg.connect(fresh_database, autocommit=True) as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
        conn.execute("CREATE SCHEMA IF NOT EXISTS landing")
        conn.execute(
            "CREATE TABLE landing.household_registry__residents "
            "(person_no text, resident_id text, name text, _from_load bigint, _to_load bigint)"
        )
        conn.execute(
            "CREATE VIEW staging.stg_household_registry__residents AS SELECT person_no, resident_id, name "
            "FROM landing.household_registry__residents WHERE _to_load IS NULL"
        )
        conn.execute("GRANT USAGE ON SCHEMA staging, landing TO townhub_builder")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA staging, landing TO townhub_builder")
        for at in range(30):
            add(conn, f"p{at}", None, f"人{chr(0x4E10 + at)}{chr(0x4E60 + at)}", 1)
        add(conn, "q1", "11010519491231002X", "王伟", 1)
        yield conn


def add(conn: psycopg.Connection, key: str, number: str | None, name: str, load: int) -> None:
    conn.execute(
        "INSERT INTO landing.household_registry__residents VALUES (%s, %s, %s, %s, NULL)", [key, number, name, load]
    )


def landed(monkeypatch: pytest.MonkeyPatch, load: int, code: str = "this code", decisions: int = 0) -> None:
    """The fingerprint as if this load were the newest: the ledger of loads is others' to test."""
    prints = {"household_registry.residents": load, "decisions": decisions, "code": code}
    monkeypatch.setattr(sources, "fingerprint", lambda conn, kind: prints)


def last_detail() -> tuple[bool, int]:
    with connection.connect("builder") as conn:
        row = conn.execute(
            "SELECT (detail ->> 'full')::boolean, run_id FROM resolution.run ORDER BY run_id DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    return row[0], row[1]


def key_of(record: str) -> str:
    with connection.connect("builder") as conn:
        row = conn.execute(
            "SELECT entity_key FROM resolution.membership WHERE record_key = %s AND to_run IS NULL", [record]
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_a_run_by_changes_links_what_landed_and_a_full_one_agrees(
    register: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed(monkeypatch, 1)
    resolve("residents")
    assert last_detail()[0] is True
    before = key_of("q1")
    add(register, "q2", "110105491231002", "王伟", 2)
    landed(monkeypatch, 2)
    done = resolve("residents")
    assert last_detail()[0] is False and key_of("q2") == before == key_of("q1")
    assert resolve("residents").run == done.run, "nothing changed, nothing is done"
    full = resolve("residents", full=True)
    assert full.run > done.run and last_detail()[0] is True, "the same records, and still not yet seen by a full run"
    assert full.content_hash == done.content_hash
    assert resolve("residents").run == resolve("residents", full=True).run == full.run


def test_a_changed_record_leaves_the_person_whose_number_it_no_longer_has(
    register: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(register, "q2", "11010519491231002X", "王伟", 1)
    landed(monkeypatch, 1)
    resolve("residents")
    assert key_of("q2") == key_of("q1")
    register.execute("UPDATE landing.household_registry__residents SET _to_load = 2 WHERE person_no = 'q2'")
    add(register, "q2", None, "李秀英", 2)
    landed(monkeypatch, 2)
    resolve("residents")
    assert last_detail()[0] is False and key_of("q2") != key_of("q1")


@pytest.mark.parametrize(("many", "code"), [(10, "this code"), (1, "another code")])
def test_after_large_changes_or_with_other_code_all_is_linked_anew(
    register: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, many: int, code: str
) -> None:
    landed(monkeypatch, 1)
    resolve("residents")
    for at in range(many):
        add(register, f"r{at}", None, f"新{chr(0x4E90 + at)}", 2)
    landed(monkeypatch, 2, code)
    resolve("residents")
    assert last_detail()[0] is True


@pytest.mark.parametrize("verdict", ["must_link", "cannot_link"])
def test_decisions_hold_in_runs_by_changes(
    register: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, verdict: Verdict
) -> None:
    """What a steward joined or parted is found anew by the rules, and decided anew, whatever joins it."""
    monkeypatch.setattr(carried, "MOST", 0.5)
    add(register, "q2", "11010519491231002X", "王伟", 1)
    landed(monkeypatch, 1)
    resolve("residents")
    a, b = (
        Record("household_registry", "residents", name) for name in ("q2", "p1" if verdict == "must_link" else "q1")
    )
    with connection.connect("builder") as conn:
        decide(conn, "resident", verdict, a, b, by="li", reason="asked them")
        conn.commit()
    landed(monkeypatch, 1, decisions=1)
    resolve("residents")
    assert last_detail()[0] is True, "a new decision is for all to be linked anew"
    add(register, "q3", "110105491231002", "王伟", 2)
    landed(monkeypatch, 2, decisions=1)
    done = resolve("residents")
    # Who is parted says so; who stays is whoever it was.
    assert last_detail()[0] is False and done.links["steward"] == (2 if verdict == "must_link" else 1)
    assert key_of("q3") == key_of("q2") and (key_of(b.record_key) == key_of("q2")) == (verdict == "must_link")
    assert resolve("residents", full=True).content_hash == done.content_hash
