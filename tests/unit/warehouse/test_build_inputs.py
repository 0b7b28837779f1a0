"""What a build reads is fixed while it lasts, and noted with its candidates."""

from __future__ import annotations

import psycopg

from warehouse import build_inputs


def test_bounds_are_the_last_committed_loads_while_the_build_lasts(conn: psycopg.Connection) -> None:
    conn.execute(
        "INSERT INTO control.load (load_key, system, stream, state) VALUES"
        " ('a', 'police_110', 'incidents', 'committed'), ('b', 'police_110', 'incidents', 'committed'),"
        " ('c', 'police_110', 'incidents', 'failed'), ('d', 'fire_119', 'incidents', 'running')"
    )
    last = conn.execute("SELECT load_id FROM control.load WHERE load_key = 'b'").fetchone()
    assert build_inputs.bounds(conn) == {}
    build_inputs.fix(conn)
    assert last is not None and build_inputs.bounds(conn)["police_110.incidents"] == last[0]
    assert "fire_119.incidents" not in build_inputs.bounds(conn)
    build_inputs.lift(conn)
    assert build_inputs.bounds(conn) == {}
