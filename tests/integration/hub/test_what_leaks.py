"""No person is named outside the warehouse: in no log, event, artefact or report. Runs last, when all has happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connectors.contract_folder import load_contracts

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Hub, Stage

EACH = 20
TRACES = ("logs", "dbt_target", "dagster", "quality", "docs", "work", "pictures")
PERSONAL = ("cn.resident_id", "cn.person_name", "cn.phone")


@pytest.fixture
def canaries(hub: Hub, next_day_again: Stage, more_systems: Path) -> set[str]:
    """Identity numbers, names and telephone numbers of people in landing, and those that were refused as faulty.

    Names of two characters are left out: chance puts them into ordinary words.
    """
    found: set[str] = set()
    for column, table in (
        ("resident_id", "household_registry__residents"),
        ("name", "household_registry__residents"),
        ("phone", "migrant_registry__registrations"),
        ("resident_id", "welfare_payment__payments"),
        ("resident_id_raw", "migrant_registry__registrations"),
        ("caller_phone", "police_110__incidents"),
    ):
        query = f"SELECT DISTINCT {column} FROM landing.{table} WHERE length({column}) > 2 ORDER BY 1 LIMIT {EACH}"
        with hub.connect() as conn:
            rows = conn.execute(query.encode()).fetchall()
        assert rows, (table, column)
        found |= {row[0] for row in rows}
    contracts = load_contracts(more_systems)
    for system, stream, payload in hub.rows(
        "SELECT system, stream, payload::text FROM quarantine.row WHERE payload IS NOT NULL"
    ):
        personal = {c.physical_name for c in contracts[system].streams[stream].columns if c.semantic_type in PERSONAL}
        found |= {
            str(value) for name, value in json.loads(payload).items() if name in personal and len(value or "") > 2
        }
    assert len(found) > 3 * EACH
    return found


def _spellings(canary: str) -> list[bytes]:
    """As UTF-8, and as JSON that escapes what is not ASCII."""
    return list({canary.encode(), json.dumps(canary)[1:-1].encode()})


def _files(hub: Hub) -> list[Path]:
    return [path for name in TRACES for path in (hub.home / name).rglob("*") if path.is_file()]


def test_no_file_that_the_hub_leaves_names_a_person(hub: Hub, canaries: set[str]) -> None:
    files = _files(hub)
    assert {path.relative_to(hub.home).parts[0] for path in files} >= {"logs", "dbt_target", "quality", "pictures"}
    leaks = []
    for path in files:
        content = path.read_bytes()
        leaks += [str(path.relative_to(hub.home)) for c in canaries if any(s in content for s in _spellings(c))]
    assert leaks == []


def test_the_search_would_find_a_leak(hub: Hub, canaries: set[str]) -> None:
    """The sought values do stand where they may: in landing."""
    name = next(c for c in sorted(canaries) if not c.isascii())
    planted = hub.home / "logs" / "planted.log"
    planted.write_text(json.dumps({"name": name}))
    try:
        with pytest.raises(AssertionError, match=r"planted\.log"):
            test_no_file_that_the_hub_leaves_names_a_person(hub, canaries)
    finally:
        planted.unlink()


def test_no_event_of_dagster_names_a_person(hub: Hub, canaries: set[str]) -> None:
    with hub.connect(database="dagster") as conn:
        texts = conn.execute(
            "SELECT format('%I.%I', table_schema, table_name), array_agg(format('%I::text', column_name))"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea') GROUP BY 1"
        ).fetchall()
        assert "public.event_logs" in dict(texts)
        assert conn.execute("SELECT count(*) FROM event_logs").fetchone() > (100,)
        patterns = [f"%{spelling.decode()}%".replace("\\", "\\\\") for c in canaries for spelling in _spellings(c)]
        for table, columns in texts:
            query = f"SELECT count(*) FROM {table} WHERE concat_ws(' ', {', '.join(columns)}) LIKE ANY (%s)"
            assert conn.execute(query.encode(), [patterns]).fetchone() == (0,), table


def test_no_note_of_the_hub_names_a_person(hub: Hub, canaries: set[str]) -> None:
    """The ledger, the verdicts, the releases and the audit chain are read by people who may not see persons."""
    patterns = [f"%{canary}%" for canary in canaries]
    with hub.connect() as conn:
        tables = conn.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'control'"
        ).fetchall()
        assert ("control.audit",) in tables
        for (table,) in tables:
            query = f"SELECT count(*) FROM {table} t WHERE t::text LIKE ANY (%s)"
            assert conn.execute(query.encode(), [patterns]).fetchone() == (0,), table
