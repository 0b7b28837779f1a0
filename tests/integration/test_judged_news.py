"""Contract checks look at what landed since all was green: they find what a look at everything finds."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import event
from sqlalchemy.engine import Engine

from quality import contract_checks, contract_rules, expectations, great
from quality.checks import CURRENT, Outcome, Version, holds
from quality.results import CheckResult
from tests.integration.gate_cases import DAY, commit_load, sample, stream_of
from warehouse import build_inputs
from warehouse.connection import connect

PREFIX = "gx.pension.pensioners."
STREAM = stream_of("pension", "pensioners")
TABLE = sql.Identifier(STREAM.landing_schema, STREAM.landing_table)
KEY = STREAM.primary_key[0].name
BAD = {"resident_id": "X"}
FORMAT, ONCE = PREFIX + "resident_id.format", PREFIX + "key.once"


@pytest.fixture
def loader(gate_database: str) -> Iterator[psycopg.Connection]:
    """A committing connection over the stream as nobody has judged it, without rows."""
    with connect("owner") as owner:
        owner.execute("DELETE FROM control.contract_check WHERE (system, stream) = ('pension', 'pensioners')")
    with connect("loader", autocommit=True) as connection:
        connection.execute(sql.SQL("TRUNCATE {}").format(TABLE))
        yield connection
        connection.execute(sql.SQL("TRUNCATE {}").format(TABLE))


def land(loader: psycopg.Connection, *rows: dict[str, Any], closes: tuple[str, ...] = ()) -> int:
    """A load of sound rows, but for what is given of them; it closes the current versions of some keys first."""
    load = commit_load(loader, STREAM)
    loader.execute(
        sql.SQL("UPDATE {} SET _to_load = %s WHERE _to_load IS NULL AND {} = ANY (%s)").format(
            TABLE, sql.Identifier(KEY)
        ),
        [load, list(closes)],
    )
    for row in rows:
        whole = {column.name: sample(column) for column in STREAM.columns} | row | {"_from_load": load}
        loader.execute(
            sql.SQL("INSERT INTO {} ({}, _key, _hash) VALUES ({}, gen_random_uuid(), gen_random_uuid())").format(
                TABLE,
                sql.SQL(", ").join(map(sql.Identifier, whole)),
                sql.SQL(", ").join(sql.Placeholder() * len(whole)),
            ),
            list(whole.values()),
        )
    return load


def key(number: int, **other: Any) -> dict[str, Any]:
    return {KEY: f"P{number}", **other}


def judge(**how: Any) -> dict[str, CheckResult]:
    with connect("builder", autocommit=True) as conn:
        return {result.name: result for result in contract_checks.check_stream(conn, STREAM, **how)}


def failed(results: dict[str, CheckResult]) -> list[str]:
    return sorted(name for name, result in results.items() if not result.passed)


def spoil(loader: psycopg.Connection, row: dict[str, Any]) -> None:
    """A row turns bad where it stands, under the load that it came with."""
    loader.execute(
        sql.SQL("UPDATE {} SET resident_id = 'X' WHERE {} = %s").format(TABLE, sql.Identifier(KEY)), [row[KEY]]
    )


def test_a_bad_row_among_the_news_is_found_and_the_rows_are_told(loader: psycopg.Connection) -> None:
    land(loader, key(1), key(2), key(3))
    first = judge()
    assert failed(first) == []
    assert {result.rows_checked for result in first.values()} == {3}
    assert not any("rows_anew" in result.observed for result in first.values()), "all were looked at"
    land(loader, key(4), key(5, **BAD))
    second = judge()
    assert failed(second) == [FORMAT]
    assert {result.rows_checked for result in second.values()} == {5}
    assert second[FORMAT].observed == {"observed_value": 1, "rows_anew": 2}
    assert "rows_anew" not in second[ONCE].observed, "a key stands once in the whole version"


def test_a_bad_row_that_is_closed_by_then_is_no_matter(loader: psycopg.Connection) -> None:
    land(loader, key(1))
    judge()
    land(loader, key(2, **BAD))
    land(loader, key(2), closes=(key(2)[KEY],))
    results = judge()
    assert failed(results) == []
    assert results[FORMAT].observed == {"rows_anew": 1}


@pytest.mark.parametrize("rows", [(key(1),), (key(7), key(7))], ids=["as one that stood", "as another of the news"])
def test_a_key_that_lands_a_second_time_is_found(loader: psycopg.Connection, rows: tuple[dict[str, Any], ...]) -> None:
    land(loader, key(1), key(2))
    assert failed(judge()) == []
    land(loader, *rows)
    assert failed(judge()) == [ONCE]


def test_what_was_judged_green_is_not_looked_at_again(loader: psycopg.Connection) -> None:
    """The other tests would not notice if everything were judged every time."""
    land(loader, key(1))
    judge()
    spoil(loader, key(1))
    land(loader, key(2))
    assert failed(judge()) == []


def test_a_bad_row_is_found_where_nothing_was_judged(loader: psycopg.Connection) -> None:
    land(loader, key(1))
    spoil(loader, key(1))
    land(loader, key(2))
    assert failed(judge()) == [FORMAT]


def test_a_bad_row_that_stood_is_found_when_the_suite_changed(
    loader: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(loader, key(1))
    assert failed(judge()) == []
    spoil(loader, key(1))
    land(loader, key(2))
    monkeypatch.setattr(contract_rules, "EARLIEST_DAY", contract_rules.EARLIEST_DAY - timedelta(days=1))
    results = judge()
    assert failed(results) == [FORMAT]
    assert "rows_anew" not in results[FORMAT].observed


def test_a_bad_row_that_was_told_is_told_until_it_is_gone(loader: psycopg.Connection) -> None:
    land(loader, key(1), key(2))
    spoil(loader, key(1))
    assert failed(judge()) == [FORMAT]
    land(loader, key(3))
    assert failed(judge()) == [FORMAT], "what was red is judged whole"
    land(loader, key(4), closes=(key(1)[KEY],))
    assert failed(judge()) == []
    land(loader, key(5))
    assert judge()[FORMAT].observed == {"rows_anew": 1}


def test_an_answer_in_error_is_no_ground_to_build_on(
    loader: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unheard(*given: Any, **named: Any) -> list[Outcome]:
        return [replace(outcome, passed=False, error="Timeout") for outcome in great.validate(*given, **named)]

    land(loader, key(1))
    with monkeypatch.context() as patch:
        patch.setattr(contract_checks, "great", SimpleNamespace(validate=unheard))
        assert FORMAT in failed(judge())
    spoil(loader, key(1))
    land(loader, key(2))
    assert failed(judge()) == [FORMAT]


def test_an_answer_for_a_later_day_says_nothing_of_an_earlier_one(loader: psycopg.Connection) -> None:
    land(loader, key(1, updated_at=f"{DAY + timedelta(days=5)} 08:00:00+08"))
    assert failed(judge(today=DAY + timedelta(days=9))) == []
    land(loader, key(2))
    assert failed(judge(today=DAY)) == [PREFIX + "updated_at.not_in_future"]


def test_a_gate_looks_at_the_news_of_its_build(loader: psycopg.Connection) -> None:
    land(loader, key(1))
    judge()
    land(loader, key(2))
    with connect("builder") as connection:
        build_inputs.fix(connection)
    try:
        land(loader, key(3, **BAD), closes=(key(1)[KEY],))
        green = judge(as_built=True)
        assert failed(green) == []
        assert (green[FORMAT].rows_checked, green[FORMAT].observed) == (2, {"rows_anew": 1})
        assert failed(judge()) == [FORMAT]
        land(loader, closes=(key(3)[KEY],))
        assert failed(judge()) == []
        # An answer that is newer than the build says nothing of rows that were closed before it was given.
        spoil(loader, key(1))
        assert failed(judge(as_built=True)) == [FORMAT]
    finally:
        with connect("builder") as connection:
            build_inputs.lift(connection)


def test_judging_the_news_and_judging_all_agree(loader: psycopg.Connection) -> None:
    """Loads at random that land good rows, bad ones and keys that stand already, and that close some."""
    chance = random.Random(7)
    found, by_part = set(), 0
    for step in range(30):
        standing = loader.execute(
            sql.SQL("SELECT {} FROM {} WHERE _to_load IS NULL ORDER BY 1").format(sql.Identifier(KEY), TABLE)
        ).fetchall()
        rows = []
        for number in range(chance.randint(1, 3)):
            row = key(step * 10 + number)
            what = chance.choice([*["good"] * 6, "bad", "late", "twice"])
            if what == "bad":
                row["phone"] = "12345"
            if what == "late":
                row["updated_at"] = "2031-01-01"
            if what == "twice" and standing:
                row[KEY] = chance.choice(standing)[0]
            rows.append(row)
        landing = {row[KEY] for row in rows}
        land(loader, *rows, closes=tuple(k for (k,) in standing if k not in landing and chance.random() < 0.6))
        by_news = judge()
        with connect("builder", autocommit=True) as builder:
            whole = contract_checks._judge(builder, STREAM, DAY, CURRENT)
        assert failed(by_news) == failed({result.name: result for result in whole}), step
        assert [result.rows_checked for result in by_news.values()] == [result.rows_checked for result in whole]
        found |= set(failed(by_news))
        by_part += "rows_anew" in by_news[FORMAT].observed
    assert (len(found), by_part > 5) == (3, True), "else this seed tries nothing"


def test_the_conditions_of_a_table_are_one_statement(gate_database: str, loader: psycopg.Connection) -> None:
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    land(loader, key(1))
    checks = contract_rules.checks_of(STREAM, DAY, Version(judged=0))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        answers = expectations.judge(STREAM.landing_schema, STREAM.landing_table, checks, "builder", Version(judged=0))
    finally:
        event.remove(Engine, "before_cursor_execute", note)
        expectations.rest()
    assert all(answer.passed for answer in answers)
    assert sum("rows.in_breach" in statement for statement in asked) == 1


def test_a_condition_that_breaks_takes_no_other_along(gate_database: str, loader: psycopg.Connection) -> None:
    land(loader, key(1), key(2))
    checks = [
        holds("sound", "resident_id IS NOT NULL", ""),
        holds("unheard", "no_such_column = 1", ""),
        holds("percent_and_colon", "'100% :x' LIKE '100%' AND ':1' <> ':2'", ""),
        holds("null_is_a_breach", "NULLIF(resident_id, resident_id) = 'x'", ""),
    ]
    sound, unheard, signs, empty = great.validate(
        STREAM.landing_schema, STREAM.landing_table, checks, role="builder", version=CURRENT
    )
    assert sound.passed and signs.passed
    assert (unheard.passed, unheard.error) == (False, "psycopg2.errors.UndefinedColumn")
    assert (empty.passed, empty.error, empty.observed) == (False, None, {"observed_value": 2})
