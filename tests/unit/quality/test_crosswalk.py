"""An app learns whom a record belongs to for its own purpose, and is refused for any other."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl
import psycopg
import pytest
from psycopg.types.json import Jsonb

from connectors.contract_folder import load_contracts
from quality import crosswalk
from quality.crosswalk import purposes_of
from resolution import ledger, restoring
from warehouse.access import run_as
from warehouse.grants import APPS

CONTRACTS = load_contracts()
RESIDENT_VIEWS = ("resident_crosswalk", "resident_key")


@pytest.fixture
def served(fresh_database: str) -> Iterator[str]:
    """A pensioner, a registered firm, a place code of the safety office, a demand of a firm; and a merged key each."""
    with psycopg.connect(fresh_database) as conn:
        crosswalk.register(conn, CONTRACTS.values())
        for kind, system, stream, key in (
            ("resident", "pension", "pensioners", "R1"),
            ("resident", "smart_community", "visitors", "R2"),
            ("enterprise", "market_registration", "enterprises", "E1"),
            ("enterprise", "enterprise_demand", "demands", "E2"),
        ):
            conn.execute(
                "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run)"
                " VALUES (%s, %s, %s, 'K1', %s, 'exact', 1)",
                [kind, system, stream, key],
            )
            conn.execute(
                "INSERT INTO resolution.entity"
                " (entity_key, kind, status, merged_into, resolves_to, created_run, updated_run)"
                " VALUES (%(k)s, %(kind)s, 'active', NULL, NULL, 1, 1),"
                "        ('old' || %(k)s, %(kind)s, 'merged', %(k)s, %(k)s, 1, 1)",
                {"k": key, "kind": kind},
            )
            merged(conn, 1, kind, f"old{key}", key)
        for family in ("welfare", "safety", "economy"):
            show(conn, family, resident=1, enterprise=1)
    yield fresh_database


def merged(conn: psycopg.Connection, run: int, kind: str, old: str, into: str) -> None:
    conn.execute(
        "INSERT INTO resolution.event (run_id, kind, type, from_key, to_key) VALUES (%s, %s, 'merge', %s, %s)",
        [run, kind, old, into],
    )


def show(conn: psycopg.Connection, family: str, **runs: int) -> None:
    """Have the family show a release whose candidate was built from these runs of resolution."""
    conn.execute(
        """WITH built AS (
            INSERT INTO control.candidate (family, content_hash, exact_hash, row_counts, as_of, resolution_runs)
            VALUES (%(family)s, '', '', '{}', CURRENT_DATE, %(runs)s) RETURNING candidate_id
        ), made AS (
            INSERT INTO control.release
                (family, candidate_id, content_hash, exact_hash, as_of, published_by, row_changes)
            SELECT %(family)s, candidate_id, '', '', CURRENT_DATE, 'test', '{}' FROM built RETURNING release_id
        )
        INSERT INTO control.release_pointer (family, release_id, moved_at, moved_by)
        SELECT %(family)s, release_id, clock_timestamp(), 'test' FROM made
        ON CONFLICT (family) DO UPDATE SET release_id = excluded.release_id""",
        {"family": family, "runs": Jsonb(runs)},
    )


def test_welfare_finds_residents_of_streams_that_serve_it(served: str) -> None:
    found = run_as("welfare", "SELECT system, record_key, resident_key, link_kind FROM serving.resident_crosswalk")
    assert found.rows == [("pension", "K1", "R1", "exact")], "and not a stream of another purpose"
    asked = "SELECT current_key FROM serving.resident_key WHERE resident_key IN ('oldR1', 'R1')"
    assert run_as("welfare", asked).rows == [("R1",), ("R1",)]


def test_an_app_sees_identities_as_its_products_rest_on_them(served: str) -> None:
    """The second run moves a record, merges its key away and adds a record; the third parts them again."""
    asked = "SELECT record_key, resident_key FROM serving.resident_crosswalk ORDER BY 1"
    keys = "SELECT resident_key, current_key FROM serving.resident_key WHERE resident_key LIKE 'R_' ORDER BY 1"
    with psycopg.connect(served, autocommit=True) as conn:
        conn.execute(
            """UPDATE resolution.membership SET to_run = 2 WHERE entity_key = 'R1';
            INSERT INTO resolution.membership
                (kind, system, stream, record_key, entity_key, link_kind, from_run, to_run)
            VALUES ('resident', 'pension', 'pensioners', 'K1', 'R3', 'exact', 2, 3),
                ('resident', 'pension', 'pensioners', 'K2', 'R3', 'exact', 2, NULL),
                ('resident', 'pension', 'pensioners', 'K1', 'R4', 'exact', 3, NULL);
            INSERT INTO resolution.entity (entity_key, kind, status, created_run, updated_run)
            VALUES ('R3', 'resident', 'active', 2, 2), ('R4', 'resident', 'active', 3, 3);
            UPDATE resolution.entity SET status = 'merged', merged_into = 'R3', resolves_to = 'R3', updated_run = 2
            WHERE entity_key = 'R1'"""
        )
        merged(conn, 2, "resident", "R1", "R3")
        assert run_as("welfare", asked).rows == [("K1", "R1")], "as released"
        assert run_as("welfare", keys).rows == [("R1", "R1"), ("R2", "R2")]
        show(conn, "welfare", resident=2)
        assert run_as("welfare", asked).rows == [("K1", "R3"), ("K2", "R3")]
        assert run_as("welfare", keys).rows == [("R1", "R3"), ("R2", "R2"), ("R3", "R3")]
        show(conn, "welfare", resident=3)
        assert run_as("welfare", asked).rows == [("K1", "R4"), ("K2", "R3")]
        show(conn, "welfare", resident=1)
        assert run_as("welfare", asked).rows == [("K1", "R1")], "rolled back"
        conn.execute("DELETE FROM control.release_pointer")
        assert run_as("welfare", asked).rows == run_as("welfare", keys).rows == [], "nothing is released"


def test_what_was_purged_is_shown_no_more_whatever_is_released(served: str) -> None:
    asked = "SELECT record_key FROM serving.resident_crosswalk"
    with psycopg.connect(served, autocommit=True) as conn:
        assert run_as("welfare", asked).rows == [("K1",)]
        conn.execute("SELECT control.void_records('pension', 'pensioners', '{K1}')")
        assert run_as("welfare", asked).rows == []
        conn.execute("UPDATE resolution.membership SET to_run = 2 WHERE entity_key = 'R1'")
    assert run_as("welfare", asked).rows == []


RECORD = {"system": "pension", "stream": "pensioners"}


def resolved(conn: psycopg.Connection, run: int, clusters: Sequence[str], reassigned: str) -> dict[str, str | None]:
    """A run of resolution: one resident for each cluster of records. What every key stands for after it."""
    found = [
        {**RECORD, "record_key": key, "cluster": number, "link_kind": "exact", "reason": None}
        for number, keys in enumerate(clusters)
        for key in keys
    ]
    others = pl.DataFrame(
        [{**RECORD, "record_key": key} for key in reassigned],
        schema=dict.fromkeys((*RECORD, "record_key"), pl.String),
    )
    before = ledger.current(conn, "resident")
    now, moves = ledger.reconcile(
        "resident",
        pl.DataFrame(found, schema_overrides={"reason": pl.String}),
        before,
        restoring.former(conn, "resident"),
        others,
    )
    ledger.write(conn, "resident", run, now, moves, before, others)
    return dict(
        conn.execute(
            "SELECT entity_key, CASE status WHEN 'active' THEN entity_key ELSE resolves_to END FROM resolution.entity"
        ).fetchall()
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_key_stands_for_what_it_stood_for_at_the_run_that_is_shown(fresh_database: str, seed: int) -> None:
    """Whatever became of it since: merged, restored, retired, its records another's, or gone to others."""
    chance = random.Random(seed)
    stood: list[dict[str, str | None]] = []
    with psycopg.connect(fresh_database, autocommit=True) as conn:
        for run in range(1, 13):
            drawn: dict[int, str] = {}
            for key in "abcdefgh":
                if chance.random() < 0.8:
                    number = chance.randrange(4)
                    drawn[number] = drawn.get(number, "") + key
            reassigned = "".join(chance.sample("abcdefgh", 1)) if chance.random() < 0.3 else ""
            stood.append(resolved(conn, run, list(drawn.values()), reassigned))
        types = {row[0] for row in conn.execute("SELECT DISTINCT type FROM resolution.event").fetchall()}
        assert types == {"merge", "split", "restore", "retire"}
        for run, then in enumerate(stood, 1):
            show(conn, "welfare", resident=run)
            shown = run_as("welfare", "SELECT resident_key, current_key FROM serving.resident_key").rows
            assert dict(shown) == then, run


def test_a_firm_is_shown_as_the_products_of_who_asks_rest_on_it(served: str) -> None:
    query = "SELECT enterprise_key FROM serving.enterprise_crosswalk WHERE system = 'market_registration'"
    keys = "SELECT current_key FROM serving.enterprise_key WHERE enterprise_key = 'E3'"
    with psycopg.connect(served, autocommit=True) as conn:
        conn.execute(
            """UPDATE resolution.membership SET to_run = 2 WHERE entity_key = 'E1';
            INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run)
            VALUES ('enterprise', 'market_registration', 'enterprises', 'K1', 'E3', 'exact', 2);
            INSERT INTO resolution.entity (entity_key, kind, status, created_run, updated_run)
            VALUES ('E3', 'enterprise', 'active', 2, 2)"""
        )
        show(conn, "economy", enterprise=2)
    assert run_as("safety", query).rows == [("E1",)] and run_as("economy", query).rows == [("E3",)]
    assert run_as("safety", keys).rows == [] and run_as("economy", keys).rows == [("E3",)]


@pytest.mark.parametrize("app", sorted(set(APPS) - {"welfare"}))
@pytest.mark.parametrize("view", RESIDENT_VIEWS)
def test_a_purpose_that_may_not_see_residents_is_refused(served: str, app: str, view: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_as(app, f"SELECT * FROM serving.{view}")


def test_firms_are_shown_by_the_purpose_of_who_asks(served: str) -> None:
    query = "SELECT enterprise_key FROM serving.enterprise_crosswalk ORDER BY 1"
    assert "premises_safety" not in CONTRACTS["enterprise_demand"].purposes
    assert run_as("safety", query).rows == [("E1",)]
    assert run_as("economy", query).rows == [("E1",), ("E2",)]
    for app in ("welfare", "enforcement"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_as(app, query)


def test_a_changed_contract_changes_what_is_shown(served: str) -> None:
    narrowed = replace(CONTRACTS["pension"], purposes=("event_handling",))
    with psycopg.connect(served) as conn:
        crosswalk.register(conn, [narrowed])
    assert run_as("welfare", "SELECT * FROM serving.resident_crosswalk").rows == []
    assert run_as("economy", "SELECT * FROM serving.enterprise_crosswalk").rows == []


def test_a_purpose_must_be_permitted_by_the_contract_the_key_and_the_name() -> None:
    contract = CONTRACTS["pension"]
    stream = contract.streams["pensioners"]
    assert "welfare_delivery" in purposes_of(contract, stream)
    for kept in (lambda c: c.primary_key, lambda c: c.semantic_type == "cn.person_name"):
        columns = tuple(replace(c, purposes=("event_handling",)) if kept(c) else c for c in stream.columns)
        assert "welfare_delivery" not in purposes_of(contract, replace(stream, columns=columns))
    assert purposes_of(replace(contract, isolated=True), stream) == frozenset()
    health = CONTRACTS["health_code"]
    assert all(purposes_of(health, each) == frozenset() for each in health.streams.values())
