"""From a steward's decision to the golden record: what is decided is in core after the next run, and out again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from resolution import decisions, review
from resolution.decisions import Record
from resolution.runner import resolve
from tests.conftest import environment
from tests.unit.resolution.staged import MAN, doubt
from warehouse import connection

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtTown

PENSION = Record("pension", "pensioners", "B1")
CORE = ("dim_resident", "resident_field_source")


@pytest.fixture(scope="module")
def town(dbt_town: DbtTown) -> Iterator[DbtTown]:
    """Two register records and a pension record that bear one number; staged, and resolved once."""
    for number, name, updated in (("N1", "张伟", "2024-01-01"), ("N2", "张玮", "2020-01-01")):
        dbt_town.land(
            "household_registry", "residents",
            {"person_no": number, "resident_id": MAN, "name": name, "household_no": "1", "relation": "02",
             "state": "normal", "updated_at": updated},
        )  # fmt: skip
    dbt_town.land(
        "pension", "pensioners",
        {"pension_no": "B1", "resident_id": MAN, "name": "张伟", "phone": "13857106602", "updated_at": "2026-01-01"},
    )  # fmt: skip
    dbt_town.load_everything()
    with environment(TOWNHUB_DATABASE_URL=dbt_town.url):
        seeded = dbt_town.dbt("build", "--select", "staging", "resident_source_rank", "int_person_record")
        assert seeded.code == 0, seeded.output
        yield dbt_town


def people(town: DbtTown) -> dict[str, tuple[str, str | None, str | None, int]]:
    """key → name, the record it came from, the telephone's record, number of records; after a run and a build."""
    resolve("residents")
    built = town.dbt("run", "--select", *CORE)
    assert built.code == 0, built.output
    rows = town.rows(
        "SELECT resident_key, name, name_record, phone_record, record_count FROM core.dim_resident ORDER BY 1"
    )
    return {row[0]: row[1:] for row in rows}


def test_decisions_reach_core_and_their_end_too(town: DbtTown) -> None:
    before = people(town)
    ((key, first),) = before.items()
    register = "household_registry/residents/N1"
    assert first == ("张伟", register, "pension/pensioners/B1", 3), "the newest of the best-ranked register speaks"
    sources = set(town.rows("SELECT resident_key, field, system, stream, record_key FROM core.resident_field_source"))
    assert sources == {
        (key, "resident_id", "household_registry", "residents", "N1"),
        (key, "name", "household_registry", "residents", "N1"),
        (key, "sex", "household_registry", "residents", "N1"),
        (key, "birth_date", "household_registry", "residents", "N1"),
        (key, "phone", *PENSION),
    }
    with connection.connect("builder") as conn:
        decision = review.decide(
            conn, doubt(town.url, *PENSION), "cannot_link", by="li", reason="asked the office", other=register
        )
        assert decision is not None
        conn.commit()
    apart = people(town)
    assert len(apart) == 2 and apart[key] == ("张伟", register, None, 2)
    with connection.connect("builder") as conn:
        decisions.revoke(conn, decision, by="wang", reason="the office was mistaken")
        conn.commit()
    assert people(town) == before
