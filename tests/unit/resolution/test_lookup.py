"""One record or one person looked up: exact where the evidence is enough, silent where it is not, and at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from resolution import lookup
from resolution.errors import IdentityError
from resolution.lookup import Person
from tests.unit.resolution.staged import MAN, WOMAN, known, stage

BORN = date(1985, 5, 5)
ENTITIES = ("R1", "R2", "R3", "R4")


@pytest.fixture
def conn(fresh_database: str) -> Iterator[psycopg.Connection]:
    """R1 and R2 have numbers, R3 and R4 are namesakes of R1 without; R9 was merged into R2."""
    stage(fresh_database, {})
    known(
        fresh_database,
        ("R1", MAN, "张伟", "1985-05-05", "13857106602"),
        ("R9", WOMAN, "李娜", "1990-03-04", "13911112222"),
        ("R3", None, "王芳", "1970-02-03", "13933334444"),
        ("R4", None, "王芳", "1970-02-03", "13955556666"),
    )
    with psycopg.connect(fresh_database) as opened:
        for key in ENTITIES:
            opened.execute(
                "INSERT INTO resolution.entity (entity_key, kind, created_run, updated_run)"
                " VALUES (%s, 'resident', 1, 1)",
                [key],
            )
        opened.execute(
            "INSERT INTO resolution.entity"
            " (entity_key, kind, status, merged_into, resolves_to, created_run, updated_run)"
            " VALUES ('R9', 'resident', 'merged', 'R2', 'R2', 1, 2)"
        )
        opened.execute(
            "INSERT INTO resolution.membership"
            " (kind, system, stream, record_key, entity_key, link_kind, from_run, to_run)"
            " VALUES ('resident', 'pension', 'pensioners', 'P1', 'R9', 'exact', 1, 2),"
            "        ('resident', 'pension', 'pensioners', 'P1', 'R2', 'exact', 2, NULL),"
            "        ('enterprise', 'pension', 'offices', 'P1', 'E1', 'exact', 1, NULL)"
        )
        yield opened


@pytest.mark.parametrize(
    ("person", "key"),
    [
        (Person(MAN), "R1"),
        (Person("３３０１０６１９８５０５０５００１９"), "R1"),  # as somebody types it
        (Person(MAN, "张伟", BORN), "R1"),
        (Person(WOMAN), "R2"),  # the last build knew her by a key that was merged since
        (Person(None, "张伟", None, "+86 138-5710-6602"), "R1"),
        (Person(None, "张伟", BORN), "R1"),
        (Person("330106198505050010", "张伟", BORN), "R1"),  # a number that is none says nothing
        (Person(None, "王芳", None, "13933334444"), "R3"),
        (Person(None, "王芳", date(1970, 2, 3)), None),  # namesakes born on one day
        (Person(None, "张伟", date(1985, 5, 6)), None),
        (Person(WOMAN, "张伟", BORN), None),  # her number, his name and birth date
        (Person(MAN, "张韦", date(1985, 5, 6)), None),  # both disagree with the number's bearer
        (Person("440524188001010014", "张伟", BORN), None),  # another valid number is another person
    ],
)
def test_who_is_meant(conn: psycopg.Connection, person: Person, key: str | None) -> None:
    found = lookup.find(conn, person)
    assert found.entity_key == key, found
    told = repr([found.reason, *(match.reason for match in found.matches)])
    assert not any(value in told for value in (MAN, WOMAN, "张伟", "1385"))


@pytest.mark.parametrize(
    "person", [Person(), Person(None, "张伟"), Person(None, None, BORN, "13857106602"), Person("1")]
)
def test_what_could_be_anybody_is_refused(conn: psycopg.Connection, person: Person) -> None:
    with pytest.raises(IdentityError, match="could be anybody"):
        lookup.find(conn, person)


def test_before_the_first_build_it_says_so(conn: psycopg.Connection) -> None:
    conn.execute("DROP TABLE core.dim_resident")
    with pytest.raises(IdentityError, match="townhub run"):
        lookup.find(conn, Person(MAN))


def test_a_record_gives_its_entity_of_now(conn: psycopg.Connection) -> None:
    assert lookup.by_record(conn, "pension", "P1", "pensioners") == [
        {"kind": "resident", "stream": "pensioners", "entity_key": "R2", "link_kind": "exact", "reason": None}
    ]
    conn.execute(
        "INSERT INTO control.stream (system, stream, contract_version, landing_schema, landing_table, load_kind,"
        " enabled, cadence_seconds, freshness_seconds) SELECT 'pension', s, '1', 'landing', s, 'snapshot', true, 1, 1"
        " FROM unnest(ARRAY['pensioners', 'offices']) s"
    )
    assert {row["entity_key"] for row in lookup.by_record(conn, "pension", "P1")} == {"R2", "E1"}
    assert lookup.by_record(conn, "pension", "P2") == lookup.by_record(conn, "nobody", "P1") == []


def test_both_answer_within_50_milliseconds(conn: psycopg.Connection) -> None:
    """A town of 50,000 with the indexes that dim_resident.yml gives it: the best of 20, for other tests run beside."""
    conn.execute(
        "INSERT INTO resolution.entity (entity_key, kind, created_run, updated_run)"
        " SELECT 'RX' || i, 'resident', 1, 1 FROM generate_series(1, 50000) i"
    )
    conn.execute(
        "INSERT INTO core.dim_resident SELECT 'RX' || i, 'ID' || i, '某' || i, '1980-01-02'::date + i % 9999, '1' || i"
        " FROM generate_series(1, 50000) i"
    )
    conn.execute(
        "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run)"
        " SELECT 'resident', 'pension', 'pensioners', 'X' || i, 'RX' || i, 'single', 1 FROM generate_series(1, 50000) i"
    )
    for columns in ("resident_id", "phone", "name, birth_date"):
        conn.execute(f"CREATE INDEX ON core.dim_resident ({columns})".encode())
    conn.execute("ANALYZE core.dim_resident, resolution.entity, resolution.membership")
    for ask in (
        lambda: lookup.find(conn, Person(MAN, "张伟", BORN, "13857106602")),
        lambda: lookup.by_record(conn, "pension", "X777", "pensioners"),
    ):
        taken = []
        for _ in range(20):
            begun = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - begun)
        assert min(taken) < 0.050, taken
