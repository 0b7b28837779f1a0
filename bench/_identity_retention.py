"""Do keys last: who keeps a key while the town lives on, by the ledgers of a hub that takes it in pass by pass.

A record *keeps* its key when the ledger has it under the same one before and after. One whose key was merged into
another is *led* there: whoever holds the old key still comes to the person, yet it does not count as kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import psycopg

from bench._home import own_home, townhub
from warehouse import connection

REPOSITORY = Path(__file__).parents[1]
RECORD = ["kind", "system", "stream", "record_key"]
AIM = 0.9995
"""Of the records that are there before and after a month, so many are to keep their key."""


@dataclass(frozen=True)
class Retention:
    """Records of a kind that are there before and after, those that keep their key, those that are led to another.

    `fresh` are records that came in between: without any, keeping a key would be no feat.
    """

    records: int
    kept: int
    led: int
    fresh: int

    @property
    def share(self) -> float:
        """Of records that keep their key; 1 where there is none to keep one."""
        return self.kept / self.records if self.records else 1.0


def month(scale: float, seed: int, *, days: int, step: int) -> tuple[dict[str, Retention], float]:
    """(kind → retention, seconds) of a town in a home of its own, which is gone afterwards.

    It lives `days` days, with a pass of the hub after every `step` of them: the keys may change at each of these.
    """
    started = time.perf_counter()
    with own_home():
        townhub("demo", "--scale", f"{scale:g}", "--seed", str(seed))
        with connection.connect("builder") as conn:
            before = memberships(conn)
        for day in range(0, days, step):
            townhub("simulate", "advance", "--days", str(min(step, days - day)))
            townhub("run")
        with connection.connect("builder") as conn:
            found = retention(before, memberships(conn), merged(conn))
    return found, time.perf_counter() - started


def memberships(conn: psycopg.Connection) -> pl.DataFrame:
    """kind, system, stream, record_key, entity_key of all that is in force."""
    return _read(
        conn,
        "SELECT kind, system, stream, record_key, entity_key FROM resolution.membership WHERE to_run IS NULL",
        [*RECORD, "entity_key"],
    )


def merged(conn: psycopg.Connection) -> pl.DataFrame:
    """entity_key, into: keys that were merged, and the active ones that they lead to now."""
    return _read(
        conn,
        "SELECT entity_key, resolves_to FROM resolution.entity WHERE status = 'merged' AND resolves_to IS NOT NULL",
        ["entity_key", "into"],
    )


def retention(before: pl.DataFrame, after: pl.DataFrame, redirects: pl.DataFrame) -> dict[str, Retention]:
    """kind → what became of its keys, by two `memberships` and the `merged` keys of the later day."""
    both = before.join(after.rename({"entity_key": "now"}), on=RECORD).join(redirects, on="entity_key", how="left")
    kept = pl.col("entity_key") == pl.col("now")
    led = ~kept & (pl.col("into") == pl.col("now")).fill_null(False)
    counts = both.group_by("kind").agg(records=pl.len(), kept=kept.sum(), led=led.sum())
    fresh = after.join(before, on=RECORD, how="anti").group_by("kind").agg(fresh=pl.len())
    rows = counts.join(fresh, on="kind", how="left").sort("kind").fill_null(0)
    return {str(kind): Retention(*figures) for kind, *figures in rows.iter_rows()}


def lines(found: dict[str, Retention]) -> list[str]:
    """Figures for a person."""
    return [
        f"  {kind:<12}{one.records:>9,} records, {one.share:.5f} keep their key (aim {AIM}), "
        f"{one.led:,} are led to another, {one.records - one.kept - one.led:,} changed; {one.fresh:,} came in between"
        for kind, one in found.items()
    ]


def _read(conn: psycopg.Connection, query: str, columns: list[str]) -> pl.DataFrame:
    rows = conn.execute(query.encode()).fetchall()
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
