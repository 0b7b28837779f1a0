"""Released history has an end: releases by their retention, a resident's rows when nothing else is held of them."""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from connectors.contract_folder import load_contracts
from connectors.copy_binary import hash_bytes
from connectors.tables import ensure_tables
from connectors.versions import key_hashes
from orchestration import deleting
from orchestration.cli import app
from quality import explain
from quality.families import FAMILIES, history_days
from tests.candidates import empty_candidates
from tests.integration.gate_cases import land, stream_of
from tests.integration.release_cases import DAY, fill, green, judge, shown
from warehouse import audit, published, release
from warehouse.connection import connect
from warehouse.errors import ReleaseError

TODAY = date(2029, 1, 1)
"""Of the purge: two years before it is 2027-01-02."""


def publish(builder: psycopg.Connection, scores: dict[str, int], moved: date | None = None) -> int:
    """A release of the family safety that the pointer moved to on a day (without: now); its number."""
    number = release.publish(builder, green(builder, scores).candidate_id, "tester").release_id
    builder.commit()
    if moved is not None:
        with connect() as superuser:
            superuser.execute(
                "UPDATE control.release_move SET moved_at = %s WHERE release_id = %s AND move_id ="
                " (SELECT max(move_id) FROM control.release_move)",
                [published.end_of(moved), number],
            )
    return number


def purge(family: str = "safety", today: date = TODAY) -> int:
    with connect("loader") as loader:
        return release.purge_history(loader, family, today, history_days(family))


def rows_of(number: int) -> dict[str, int]:
    with connect("publisher") as publisher:
        rows = publisher.execute("SELECT control.rows_at('premises_risk', %s)", [number]).fetchall()
    return {row["premises_code"]: row["score"] for (row,) in rows}


def ask(query: str, *values: Any) -> list[Any]:
    with connect() as superuser:
        return superuser.execute(query.encode(), values or None).fetchall()


def certificates() -> list[dict[str, Any]]:
    with connect() as superuser:
        assert audit.verify(superuser) is None
        return [entry.detail for entry in audit.entries(superuser, action="deletion certificate")]


@pytest.fixture
def old(builder: psycopg.Connection) -> list[int]:
    """Releases of 2026-01-01, of 2026-07-01 (seen until 2027-02-01), and one that has been shown for two years."""
    return [
        publish(builder, {"a": 1, "b": 5, "c": 7}, date(2026, 1, 1)),
        publish(builder, {"a": 2, "b": 5, "d": 9}, date(2026, 7, 1)),
        publish(builder, {"a": 3, "b": 5}, date(2027, 2, 1)),
    ]


def test_releases_past_their_retention_go_with_a_certificate(old: list[int]) -> None:
    assert FAMILIES["safety"].history_days == 730
    assert purge() == 3, "the rows a 1 and c 7 and the grid's, which only the first release showed"
    (certificate,) = certificates()
    assert certificate["released"] == "safety" and certificate["releases"] == [old[0], old[0]]
    assert certificate["last_shown_before"].startswith("2027-01-02T00:00:00")
    assert {product: rows for product, rows in certificate["rows"].items() if rows} == {
        "premises_risk": 2, "grid_risk": 1,
    }  # fmt: skip
    assert shown() == ({"a": 3, "b": 5}, old[2])
    assert (rows_of(old[1]), rows_of(old[2])) == ({"a": 2, "b": 5, "d": 9}, {"a": 3, "b": 5})
    assert purge() == 0 and len(certificates()) == 1


def test_what_is_shown_now_is_never_too_old(old: list[int]) -> None:
    purge(today=date(2099, 1, 1))
    assert shown() == ({"a": 3, "b": 5}, old[2]) and rows_of(old[2]) == {"a": 3, "b": 5}
    kept = "SELECT exact_hash = control.release_hash(family, release_id, true) FROM control.release"
    assert ask(f"{kept} WHERE purged_at IS NULL") == [(True,)]


def test_a_purged_release_is_not_shown_again_nor_compared(old: list[int]) -> None:
    purge()
    told = rf"rows of release {old[0]} \(safety\) were deleted on 20\d\d.* audit entry \d+ is the certificate"
    with connect("publisher") as publisher:
        with pytest.raises(ReleaseError, match=told):
            release.rollback(publisher, "safety", old[0], "li", "scores are wrong")
        publisher.rollback()
        for pair in ((old[0], old[1]), (old[1], old[0])):
            with pytest.raises(ReleaseError, match=told):
                release.diff_releases(publisher, *pair)
            publisher.rollback()
        assert [each.product for each in release.diff_releases(publisher, old[1], old[2]) if each.removed] == [
            "premises_risk"
        ]
    for asked in (
        f"SELECT control.as_shown('premises_risk', '{published.end_of(date(2026, 3, 1))}')",
        f"SELECT control.release_hash('safety', {old[0]})",
    ):
        with pytest.raises(psycopg.errors.RaiseException, match=told):
            ask(asked)
    assert shown()[1] == old[2]


def test_of_a_purged_day_it_is_told_that_it_was_purged(old: list[int]) -> None:
    day = date(2026, 3, 1)
    purge()
    (entry,) = ask("SELECT seq FROM control.audit WHERE action = 'deletion certificate'")[0]
    with connect("auditor") as auditor:
        for keys in (["a"], ["b"], ["no such"]):
            with pytest.raises(ReleaseError, match=rf"deleted on .* audit entry {entry} is the certificate"):
                explain.explain(auditor, {}, "premises", keys, day)
        with pytest.raises(ReleaseError, match="is the certificate"):
            explain.explain_entity(auditor, {}, "pk", day)
        assert published.released(auditor, "premises_risk", {"premises_code": "c"}) == []
    found = json.loads(CliRunner().invoke(app, ["release", "explain", "safety", "--on", str(day), "--json"]).output)
    assert (found["release_id"], found["purge_certificate"]) == (old[0], entry)
    assert {verdict["state"] for verdict in found["verdicts"]} == {"green"}, "why it was published is kept"
    said = CliRunner().invoke(app, ["release", "explain", str(old[0])]).output
    assert f"its rows were deleted by their retention; audit entry {entry} is the certificate" in said


def test_what_a_rollback_shows_again_keeps_all_that_came_after_it(builder: psycopg.Connection, old: list[int]) -> None:
    with connect("publisher") as publisher:
        release.rollback(publisher, "safety", old[0], "li", "scores are wrong")
    assert purge(today=date(2099, 1, 1)) == 0 and certificates() == []
    assert [rows_of(number)["a"] for number in old] == [1, 2, 3] and shown()[1] == old[0]


def test_any_purge_leaves_the_kept_releases_as_they_were(builder: psycopg.Connection) -> None:
    chance = random.Random(7)
    said: dict[int, dict[str, int]] = {}
    day = date(2026, 1, 1)
    with connect("publisher", autocommit=True) as publisher:
        for _ in range(25):
            if said and chance.random() < 0.2:
                again = chance.choice(sorted(said))
                if ask("SELECT purged_at IS NULL FROM control.release WHERE release_id = %s", again) == [(True,)]:
                    release.rollback(publisher, "safety", again, "li", "trial")
                    release.resume(publisher, "safety", "li", "trial")
            else:
                scores = {name: chance.randint(0, 3) for name in chance.sample("abcd", chance.randint(1, 4))}
                said.setdefault(publish(builder, scores, day), scores)
            day += timedelta(days=chance.randint(1, 90))
            if chance.random() < 0.5:
                purge(today=day + timedelta(days=chance.randint(300, 730)))
            pointer = ask("SELECT release_id FROM control.release_pointer WHERE family = 'safety'")[0][0]
            assert shown() == (said[pointer], pointer)
            for number, purged in ask("SELECT release_id, purged_at IS NOT NULL FROM control.release"):
                if not purged:
                    assert rows_of(number) == said[number]
    assert 3 < ask("SELECT count(*) FROM control.release WHERE purged_at IS NOT NULL")[0][0] < len(said)


def match(resident: str, outcome: str) -> dict[str, Any]:
    return {
        "resident_key": resident, "policy_code": "P08", "outcome": outcome, "reason": "age", "finding": "not_due",
        "rule_version": "P08-1", "evidence": Jsonb({"record": f"{resident}-1"}),
    }  # fmt: skip


def welfare(builder: psycopg.Connection, rows: list[dict[str, Any]]) -> int:
    fill(builder, "welfare_match", rows)
    candidate = release.register_candidate(builder, "welfare", DAY)
    judge(builder, candidate)
    number = release.publish(builder, candidate.candidate_id, "tester").release_id
    builder.commit()
    return number


@pytest.fixture
def people(builder: psycopg.Connection) -> list[int]:
    """Three releases: RGONE and RMERGED are of before, RLANDED has a landed record still, RHERE is active."""
    empty_candidates(builder, "welfare", but=frozenset({"welfare_match"}))
    everybody = ("RGONE", "RMERGED", "RLANDED", "RHERE", "RSHOWN")
    numbers = [
        welfare(builder, [match(each, "eligible") for each in everybody]),
        welfare(builder, [match(each, "unknown") for each in everybody]),
        welfare(builder, [match("RHERE", "eligible"), match("RSHOWN", "unknown")]),
    ]
    with connect("loader") as loader:
        ensure_tables(loader, load_contracts())
        land(loader, stream_of("death_register", "deaths"))
        loader.execute(
            "UPDATE landing.death_register__deaths SET _key = %s",
            [hash_bytes(key_hashes(pl.Series(["RLANDED-1"])))[0].hex()],
        )
    with connect() as superuser:
        for resident, status in zip(everybody, ("retired", "merged", "retired", "active", "retired"), strict=True):
            superuser.execute(
                "INSERT INTO resolution.entity (entity_key, kind, status, merged_into, created_run, updated_run)"
                " VALUES (%s, 'resident', %s, %s, 1, 1)",
                [resident, status, "RGONE" if status == "merged" else None],
            )
            superuser.execute(
                "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run,"
                " to_run) VALUES ('resident', 'death_register', 'deaths', %s, %s, 'single', 1, 2)",
                [f"{resident}-1", resident],
            )
    return numbers


def held() -> dict[str, int]:
    return dict(ask("SELECT resident_key, count(*) FROM released.welfare_match GROUP BY 1"))


def test_what_was_published_of_a_resident_goes_when_nothing_else_is_held(people: list[int]) -> None:
    assert held() == {"RGONE": 2, "RMERGED": 2, "RLANDED": 2, "RHERE": 3, "RSHOWN": 2}
    done = deleting.delete_expired()
    assert done["released.residents"] == 5
    assert held() == {"RLANDED": 2, "RHERE": 3, "RSHOWN": 1}, "RSHOWN is seen by apps: the next release lacks them"
    noted = next(each for each in certificates() if each.get("released") == "welfare_match")
    assert (noted["residents"], noted["rows"]) == (3, 5) and "RGONE" not in str(certificates())
    erased = ask("SELECT erased_rows FROM control.release ORDER BY release_id")
    assert erased == [(3,), (2,), (0,)]
    said = CliRunner().invoke(app, ["release", "explain", str(people[0])]).output
    assert "3 rows of it were deleted since, of residents of whom nothing is held any more" in said
    assert "released.residents" not in deleting.delete_expired()


@pytest.mark.parametrize("role", ["builder", "publisher", "auditor", "owner", "app_safety"])
@pytest.mark.parametrize("call", ["purge_released('safety', now(), 'x')", "erase_released('{R}', 'x')"])
def test_only_retention_deletes_history(conn: psycopg.Connection, role: str, call: str) -> None:
    conn.execute(f"SET ROLE townhub_{role}".encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(f"SELECT control.{call}".encode())


def test_the_retention_job_purges_releases(builder: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = datetime.now().date() - timedelta(days=900)
    publish(builder, {"a": 1}, long_ago)
    publish(builder, {"a": 2}, long_ago + timedelta(days=1))
    with connect("loader") as loader:
        ensure_tables(loader, load_contracts())
    assert deleting.delete_expired() == {"released.safety": 2}


@pytest.mark.parametrize("kept", [False, True])
def test_a_record_that_is_anothers_keeps_nothing_of_whose_it_was(people: list[int], kept: bool) -> None:
    """RLANDED's record became another's in run 2: of RLANDED only versions speak that the run before had read."""
    with connect() as superuser:
        load = ask("SELECT min(_from_load) FROM landing.death_register__deaths")[0][0]
        inputs = Jsonb({"inputs": {"death_register.deaths": load if kept else load - 1}})
        for _ in range(2):
            superuser.execute(
                "INSERT INTO resolution.run (kind, finished_at, detail) VALUES ('residents', now(), %s)", [inputs]
            )
        superuser.execute("UPDATE resolution.membership SET voided = true WHERE entity_key = 'RLANDED'")
    deleting.delete_expired()
    assert ("RLANDED" in held()) == kept
