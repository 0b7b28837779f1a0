"""What makes resolution run again: changed records, changed decisions, changed code."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from resolution import sources, things
from resolution.runner import resolve


def test_our_code_is_what_decides_who_belongs_together() -> None:
    names = {path.relative_to(folder).as_posix() for folder in sources.CODE for path in folder.rglob("*.py")}
    assert {"residents/linking.py", "union.py", "resident_id.py", "person_name.py"} <= names


def test_the_digest_follows_names_and_contents(tmp_path: Path) -> None:
    def digest() -> str:
        sources.code_digest.cache_clear()
        return sources.code_digest((tmp_path,))

    (tmp_path / "a.py").write_text("1")
    first = digest()
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("2")
    assert digest() == first
    (tmp_path / "a.py").write_text("2")
    second = digest()
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    third = digest()
    sources.code_digest.cache_clear()
    assert len({first, second, third}) == 3


def _views(conn: psycopg.Connection) -> None:
    """The staging views of enterprises, one record each."""
    conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
    for source in things.ENTERPRISES:
        said = " ".join([source.record_key, *source.fields.values(), source.where])
        columns = set(re.findall(r"[a-z]+(?:_[a-z]+)*", said)) - {"true"}
        fields = ", ".join(f"'1'::text AS {column}" for column in sorted(columns))
        conn.execute(f"CREATE VIEW {source.view} AS SELECT {fields}".encode())
    conn.execute("GRANT USAGE ON SCHEMA staging TO townhub_builder")
    conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA staging TO townhub_builder")


def test_changed_code_resolves_again(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(fresh_database) as conn:
        _views(conn)
    first = resolve("enterprises")
    assert resolve("enterprises").run == first.run
    monkeypatch.setattr(sources, "code_digest", lambda: "another version of this code")
    again = resolve("enterprises")
    assert again.run > first.run
    assert (again.records, again.created, again.content_hash) == (len(things.ENTERPRISES), 0, first.content_hash)


def test_a_changed_view_resolves_again(fresh_database: str) -> None:
    """Records are read through staging views: who mends one mends what is read."""
    with psycopg.connect(fresh_database) as conn:
        _views(conn)
    first = resolve("enterprises")
    with psycopg.connect(fresh_database) as conn:
        conn.execute("CREATE OR REPLACE VIEW staging.stg_tax_registry__taxpayers AS "
                     "SELECT '2'::text AS address, '1'::text AS name, '1'::text AS taxpayer_no")  # fmt: skip
    assert resolve("enterprises").run > first.run


def test_rows_that_retention_deleted_are_seen(fresh_database: str) -> None:
    """A deletion is no load."""
    with psycopg.connect(fresh_database) as conn:
        _views(conn)
        conn.execute("CREATE TABLE staging.told AS SELECT * FROM staging.stg_tax_registry__taxpayers")
        conn.execute("CREATE OR REPLACE VIEW staging.stg_tax_registry__taxpayers AS SELECT * FROM staging.told")
    first = resolve("enterprises")
    assert resolve("enterprises").run == first.run
    with psycopg.connect(fresh_database) as conn:
        conn.execute("DELETE FROM staging.told")
    again = resolve("enterprises")
    assert (again.run > first.run, again.records) == (True, first.records - 1)


def test_a_punished_person_is_no_enterprise(fresh_database: str) -> None:
    (source,) = [source for source in things.ENTERPRISES if source.system == "administrative_penalty"]
    with psycopg.connect(fresh_database) as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
        conn.execute(
            f"CREATE VIEW {source.view} AS SELECT * FROM (VALUES ('P1', 'person', NULL, '某某'), "
            "('P2', 'firm', NULL, '甲乙商行'), ('P3', 'self_employed', NULL, '丙面馆')) "
            "AS p (decision_no, party_kind, credit_code, party_name)".encode()
        )
        found = sources.read_one(conn, source, sources.ENTERPRISE_SCHEMA)
    assert found["record_key"].to_list() == ["P2", "P3"]
    assert "某某" not in found["name"].to_list()
