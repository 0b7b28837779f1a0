"""What a build found good, and from what: it is not looked at again as long as it rests on the same."""

from __future__ import annotations

from datetime import date

import psycopg

SEEDS = "seeds"
"""The tests of all seeds passed."""
CONTRACTS = "contracts"
"""The SQL of every model gave the columns that its contract promises."""


def is_known(conn: psycopg.Connection, what: str, basis: str) -> bool:
    row = conn.execute("SELECT basis = %s FROM control.build_state WHERE chain = %s", [basis, what]).fetchone()
    return row is not None and bool(row[0])


def note(conn: psycopg.Connection, what: str, basis: str, as_of: date) -> None:
    """`basis`: one text that changes with all that it rests on (role builder)."""
    conn.execute(
        """INSERT INTO control.build_state (chain, basis, as_of, reads, loads, runs)
           VALUES (%s, %s, %s, '{}', '{}', '{}')
           ON CONFLICT (chain) DO UPDATE SET basis = excluded.basis, as_of = excluded.as_of,
               built_at = clock_timestamp()""",
        [what, basis, as_of],
    )
