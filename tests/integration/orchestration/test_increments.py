"""A chain of models goes on from its last build only where nothing else changed that it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
import pytest

from connectors.contract_folder import load_contracts
from connectors.tables import ensure_tables
from orchestration import increments
from orchestration.manifest import Node, Project
from warehouse import build_inputs, connection

DAY, NEXT = date(2026, 6, 30), date(2026, 7, 1)


def _node(uid: str, *parents: str, chain: str | None = None) -> Node:
    return Node(uid, uid, "model", "core", uid, "by_changes", "", "core", "core", parents, (), chain)


GRIDS = "grid_map__grids"
PROJECT = Project(
    nodes={n.unique_id: n for n in (_node("fct_event", "calls", "dim_grid", chain="events"), _node("dim_grid", GRIDS))},
    tests={},
    sources={"calls": ("landing", "police_110__incidents"), GRIDS: ("landing", GRIDS)},
)
BUILT = {"fct_event", "dim_grid"}


@pytest.fixture
def conn(fresh_database: str) -> Iterator[psycopg.Connection]:
    with connection.connect("loader", autocommit=True) as loader:
        ensure_tables(loader, load_contracts())
    with connection.connect("owner", autocommit=True) as owner:
        owner.execute("CREATE TABLE core.fct_event (event_key text)")
        owner.execute("GRANT SELECT ON core.fct_event TO townhub_builder")
    with connection.connect("builder", autocommit=True) as builder:
        yield builder


def _land(system: str, stream: str, key: str | None, **more: date) -> int:
    with connection.connect("owner", autocommit=True) as owner:
        row = owner.execute(
            "INSERT INTO control.load (load_key, system, stream, state, rows_in, rows_landed, rows_unchanged,"
            " rows_quarantined, rows_tombstoned, finished_at)"
            " VALUES (gen_random_uuid(), %s, %s, 'committed', %s, %s, 0, 0, 0, now()) RETURNING load_id",
            [system, stream, int(key is not None), int(key is not None)],
        ).fetchone()
        assert row is not None
        if key is not None:
            column = {"incidents": "incident_no", "grids": "grid_code"}[stream]
            owner.execute("SET ROLE townhub_loader")
            owner.execute(
                f"INSERT INTO landing.{system}__{stream} ({', '.join([column, *more])}, _key, _hash, _from_load)"
                f" VALUES ({', '.join(['%s'] * (1 + len(more)))}, gen_random_uuid(), gen_random_uuid(), %s)".encode(),
                [key, *more.values(), row[0]],
            )
    return int(row[0])


def _plan(conn: psycopg.Connection, as_of: date = DAY, *, anew: bool = False) -> increments.Plan:
    build_inputs.fix(conn)
    return increments.plan(conn, PROJECT, load_contracts(), as_of, anew=anew)


def _built(conn: psycopg.Connection, plan: increments.Plan, models: set[str] = BUILT) -> None:
    increments.keep(conn, PROJECT, plan, models)
    build_inputs.lift(conn)


def _changed(conn: psycopg.Connection) -> list[str]:
    return [row[0] for row in conn.execute("SELECT record_key FROM control.changed_record ORDER BY 1").fetchall()]


def test_the_first_build_is_from_everything_and_the_next_goes_on(conn: psycopg.Connection) -> None:
    _land("grid_map", "grids", "g")
    _land("police_110", "incidents", "a")
    first = _plan(conn)
    assert first.by_changes == []
    _built(conn, first)
    _land("police_110", "incidents", "b")
    second = _plan(conn, NEXT)
    assert second.by_changes == ["events"]
    assert _changed(conn) == ["b"]


@pytest.mark.parametrize("models", [set(), {"fct_event"}, {"dim_grid"}])
def test_after_a_build_that_did_not_come_to_its_end_everything_is_built(
    conn: psycopg.Connection, models: set[str]
) -> None:
    """Models beneath a chain's count: one that failed has left the chain upon an old table."""
    _built(conn, _plan(conn))
    assert _plan(conn).by_changes == ["events"]
    _built(conn, _plan(conn), models)
    assert _plan(conn).by_changes == []


def test_a_border_that_was_told_before_its_day_is_news_on_it(conn: psycopg.Connection) -> None:
    _land("grid_map", "grids", "g", valid_from=NEXT)
    _built(conn, _plan(conn, DAY))
    assert _plan(conn, DAY).by_changes == ["events"]
    _built(conn, _plan(conn, DAY))
    assert _plan(conn, NEXT).by_changes == []


def test_a_run_of_resolution_beside_a_build_is_news_to_the_next(conn: psycopg.Connection) -> None:
    first = _plan(conn)
    run = conn.execute(
        "INSERT INTO resolution.run (kind, records_in, finished_at) VALUES ('events', 1, now()) RETURNING run_id"
    ).fetchone()
    assert run is not None
    conn.execute(
        "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run)"
        " VALUES ('event', 'police_110', 'incidents', 'a', 'E1', 'single', %s)",
        run,
    )
    _built(conn, first)
    assert _plan(conn).by_changes == ["events"]
    assert _changed(conn) == ["a"]


@pytest.mark.parametrize("why", ["anew", "beside", "day", "dropped", "seeds", "code"])
def test_else_everything_is_built(conn: psycopg.Connection, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _built(conn, _plan(conn, NEXT))
    day = NEXT
    match why:
        case "beside":
            _land("grid_map", "grids", None)
            unchanged = _plan(conn, NEXT)
            assert unchanged.by_changes == ["events"], "a load without changes is none"
            _built(conn, unchanged)
            _land("grid_map", "grids", "g")
        case "day":
            day = DAY
        case "dropped":
            with connection.connect("owner", autocommit=True) as owner:
                owner.execute("DROP TABLE core.fct_event")
        case "seeds":
            monkeypatch.setattr(increments, "dated_since", lambda _: "2026-07-01")
        case "code":
            monkeypatch.setattr(increments.standing, "code_digest", lambda: "other")
    assert _plan(conn, day, anew=why == "anew").by_changes == []
    assert _plan(conn, NEXT).by_changes == [], "what was built so far is forgotten with it"


def test_the_day_on_which_a_seed_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.csv").write_text(
        "item,valid_from,valid_to\nx,2020-01-01,2026-06-30\nx,2026-07-01,9999-12-31\ny,2026-09-01,9999-12-31\n"
    )
    (tmp_path / "seeds" / "b.csv").write_text("code\n1\n")
    monkeypatch.setattr(increments.environment, "DBT_PROJECT", tmp_path)
    assert [increments.dated_since(day) for day in (DAY, NEXT, date(2026, 8, 31), date(2027, 1, 1))] == [
        "2020-01-01", "2026-07-01", "2026-07-01", "2026-09-01",
    ]  # fmt: skip
