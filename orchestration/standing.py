"""Whether the last published pass still stands: nothing that a build depends on has changed since.

A build is a function of the records that landed, of which wait in quarantine, the states of the inputs, the day, the
stewards' decisions and our own code. When all of these are as they were at the last pass that published everything,
building again could only give the same content (I2), so a pass on unchanged sources ends after intake.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import psycopg

from connectors.contract_folder import contract_paths
from orchestration import environment

CODE = ("connectors/standards", "dbt_project", "quality", "resolution", "warehouse/migrations")
"""Folders whose files decide what a build gives; the contracts do too, wherever they stand."""

_BASIS = (
    """SELECT system, stream, max(load_id) FROM control.load
        WHERE state = 'committed' AND rows_landed + rows_tombstoned > 0 GROUP BY 1, 2 ORDER BY 1, 2""",
    "SELECT system, stream, state FROM control.input_status ORDER BY 1, 2",
    """SELECT system, stream, record_key, count(*) FROM control.held_rows
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
    "SELECT count(*), count(revoked_at), max(decision_id) FROM resolution.decision",
    "SELECT family, check_name FROM control.required_check ORDER BY 1, 2",
)


def basis(conn: psycopg.Connection, as_of: str) -> str:
    """One text that changes with anything that a build depends on; taken before the build."""
    found = [conn.execute(query).fetchall() for query in _BASIS]
    return _digest([found, as_of, code_digest()])


def shown(conn: psycopg.Connection) -> str:
    """One text that changes with what is published, a rollback included; taken after publishing."""
    return _digest(conn.execute("SELECT family, release_id FROM control.release_pointer ORDER BY 1").fetchall())


def _digest(found: object) -> str:
    return hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()


def code_digest(folders: tuple[str, ...] = CODE) -> str:
    """Digest of the files that decide what a build gives."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in _files(environment.REPOSITORY / folder)):
        digest.update(str(path.relative_to(environment.REPOSITORY)).encode())
        digest.update(path.read_bytes())
    for path in contract_paths():
        digest.update(path.name.encode())
        with contextlib.suppress(OSError):  # a link to no file: its system is broken, and the others go on
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    wanted = {".py", ".sql", ".yml", ".yaml", ".csv"}
    generated = {"__pycache__", "target", "logs", "dbt_packages"}
    return [
        p
        for p in folder.rglob("*")
        if p.suffix in wanted and not p.name.startswith(".") and not generated & set(p.parts)
    ]


def still_stands(conn: psycopg.Connection, basis: str) -> bool:
    """Whether the newest finished pass published everything from exactly this basis, and it is what is shown."""
    row = conn.execute(
        "SELECT state, summary ->> 'basis', summary ->> 'shown' FROM control.run WHERE finished_at IS NOT NULL "
        "ORDER BY finished_at DESC LIMIT 1"
    ).fetchone()
    return row is not None and (row[0], row[1], row[2]) == ("succeeded", basis, shown(conn))


def standing_verdicts(conn: psycopg.Connection) -> dict[str, dict[str, str]]:
    """family → check → state: the latest verdicts on each family's newest candidate."""
    rows = conn.execute(
        """SELECT DISTINCT ON (family, check_name) family, check_name, state FROM control.verdict
            WHERE candidate_id IN (SELECT max(candidate_id) FROM control.candidate GROUP BY family)
            ORDER BY family, check_name, verdict_id DESC"""
    ).fetchall()
    verdicts: dict[str, dict[str, str]] = {}
    for family, check, state in rows:
        verdicts.setdefault(family, {})[check] = state
    return verdicts
