"""Which planted defects the hub finds: intake of a simulated town, held against the town's own list of what it spoiled.

The town writes down every defect that it plants (system, stream, record, column, kind) where no part of the hub may
read it. What is declared of each comes from its contract: a swapped point and a row sent twice are corrected by a
stated rule, a wrong value is withheld where the contract says so, and any other row is quarantined with the reason.

- *Found* is a defect that had just this outcome on just this record.
- Recall is found / planted, precision is found / all that the hub reported of the kind.

Quarantined rows are compared record by record. Of withheld and corrected values landing shows the record and the
ledger counts the kind, so both must agree (a record that is held for another defect keeps them out of landing as well).
Rows sent twice are counted by the ledger alone, and so are unreadable records of systems of which nothing but their
length may be kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from bench._home import own_home
from bench._results import write_result
from connectors.conform import key_text, record_keys
from connectors.contract import Column, Contract, Stream
from connectors.rules import judge
from connectors.tables import table_of
from orchestration import demo, names, receiving, town
from orchestration.commands.passes import DEFAULT_SEED
from orchestration.pulls import Pulls
from orchestration.report import Silent
from warehouse import connection

RUN = "bench-defects"
AIM = 0.99
CORRECTED = frozenset({"swapped_coordinates", "repeated_row"})
ALWAYS_QUARANTINED = frozenset({"missing_required", "undecodable_text", "nul_character", "oversized_field"})

Defect = tuple[str, str]
"""(record key, column); the column is empty where the whole record is spoiled."""


@dataclass
class Score:
    """Counts of one kind of defect."""

    planted: int = 0
    reported: int = 0
    found: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Declared outcomes of the planted ones."""
    astray: Counter[str] = field(default_factory=Counter)
    """system.stream:column → defects missed or reported without one."""

    @property
    def recall(self) -> float:
        return self.found / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        return self.found / self.reported if self.reported else 1.0

    @property
    def good(self) -> bool:
        return self.recall >= AIM and self.precision >= AIM

    def add(self, place: str, outcome: str, planted: int, reported: int, found: int) -> None:
        self.planted += planted
        self.reported += reported
        self.found += found
        if planted:
            self.outcomes[outcome] += planted
        if missed := planted - found + reported - found:
            self.astray[place] += missed


def declared(kind: str, column: Column | None) -> str:
    """What must become of a defect: corrected, withheld or quarantined."""
    if kind in CORRECTED:
        return "corrected"
    withheld = column is not None and column.on_invalid == "withhold" and kind not in ALWAYS_QUARANTINED
    return "withheld" if withheld else "quarantined"


def score(conn: psycopg.Connection, contracts: Mapping[str, Contract], planted: pl.DataFrame) -> dict[str, Score]:
    """Scores by kind. `planted` has system, stream, record_key (values as served, joined by |), column and kind."""
    scores: dict[str, Score] = defaultdict(Score)
    for contract in contracts.values():
        for stream in contract.streams.values():
            mine = planted.filter(pl.col("system") == stream.system, pl.col("stream") == stream.name)
            _Judge(conn, contract, stream, mine.unique(maintain_order=True)).judge(scores)
    return dict(sorted(scores.items()))


class _Judge:
    """One stream: what was planted in it beside what the hub made of it."""

    def __init__(self, conn: psycopg.Connection, contract: Contract, stream: Stream, planted: pl.DataFrame) -> None:
        self._conn = conn
        self._contract = contract
        self._stream = stream
        self._where = [stream.system, stream.name]
        ours = hub_keys(planted["record_key"], contract, stream)
        self._planted: dict[tuple[str, str], set[Defect]] = defaultdict(set)
        for key, column, kind in zip(ours, planted["column"], planted["kind"], strict=True):
            self._planted[kind, column].add((key, column))
        self._twice = {key for key, _ in self._planted.pop(("repeated_row", ""), set())}
        self._nameless: set[str] = set()
        self._ledger = self._reported()

    def judge(self, scores: dict[str, Score]) -> None:
        held = self._held()
        changed = self._changed_cells()
        # A record that is held for another defect took its withheld and corrected values with it.
        gone = {key for cells in held.values() for key, _ in cells}
        kinds = self._planted.keys() | {(kind, column) for kind, column, _ in self._ledger} | held.keys()
        for kind, column in sorted(kinds):
            wanted = self._planted.get((kind, column), set())
            known = next((c for c in self._stream.columns if c.name == column), None)
            outcome = declared(kind, known)
            place = f"{self._stream.system}.{self._stream.name}:{column}"
            if outcome == "quarantined":
                reported = held.get((kind, column), set())
                numbers = len(wanted), len(reported), len(wanted & reported)
            else:
                there = self._ledger[kind, column, outcome]
                right = sum(1 + (key in self._twice) for key, name in wanted if key in changed[name] | gone)
                numbers = sum(1 + (key in self._twice) for key, _ in wanted), there, min(right, there)
            scores[kind].add(place, outcome, *numbers)
        if self._twice:
            seen = self._seen_twice()
            scores["repeated_row"].add(
                f"{self._stream.system}.{self._stream.name}", "corrected", len(self._twice), seen,
                min(seen, len(self._twice)),
            )  # fmt: skip

    def _reported(self) -> Counter[tuple[str, str, str]]:
        rows = self._conn.execute(
            "SELECT reason, column_name, outcome, sum(rows)::bigint"
            " FROM control.defect JOIN control.load USING (load_id)"
            " WHERE (defect.system, defect.stream, run_id, state) = (%s, %s, %s, 'committed') GROUP BY 1, 2, 3",
            [*self._where, RUN],
        ).fetchall()
        return Counter({(reason, column, outcome): int(count) for reason, column, outcome, count in rows})

    def _held(self) -> dict[tuple[str, str], set[Defect]]:
        """Quarantined records by (reason, column), with our key of each."""
        found: dict[tuple[str, str], set[Defect]] = defaultdict(set)
        rows = self._conn.execute(
            "SELECT quarantine_id, record_key, payload, payload_text, reasons FROM quarantine.row"
            " WHERE system = %s AND stream = %s",
            self._where,
        ).fetchall()
        for number, key, payload, text, reasons in rows:
            for code in reasons:
                column, _, kind = code.rpartition(":")
                name = key or self._key_of(payload, text, kind) or f"unknown-{number}"
                # A record that could not be read has no columns: the one that was spoiled is as good.
                spoilt = column or self._spoilt_column(kind, name)
                found[kind, spoilt].add((name, spoilt))
        return found

    def _key_of(self, payload: Any, text: str, kind: str) -> str | None:
        if isinstance(payload, dict):
            parts = (payload.get(column.physical_name) for column in self._stream.primary_key)
            served = "|".join("" if part is None else str(part) for part in parts)
            return hub_keys(pl.Series([served]), self._contract, self._stream)[0]
        keys = sorted({key for (planted, _), cells in self._planted.items() if planted == kind for key, _ in cells})
        if self._stream.refusals:
            # Nothing of it may be kept but its length: any record that was spoiled so will do, each once.
            left = [key for key in keys if key not in self._nameless]
            self._nameless.update(left[:1])
            return left[0] if left else None
        return next((key for key in keys if key.partition("|")[0] in text), None)

    def _spoilt_column(self, kind: str, key: str) -> str:
        return next((c for (k, c), cells in self._planted.items() if k == kind and (key, c) in cells), "")

    def _changed_cells(self) -> dict[str, set[str]]:
        """Column → our keys of the current records whose value is not what was received: withheld or set right."""
        changed: dict[str, set[str]] = defaultdict(set)
        columns = [column for column in self._stream.columns if column.keeps_raw]
        if not columns:
            return changed
        keys = [column.name for column in self._stream.primary_key]
        marks = [self._mark(column) for column in columns]
        rows = self._conn.execute(
            sql.SQL("SELECT {}, {} FROM {} WHERE _to_load IS NULL AND ({})").format(
                sql.SQL(", ").join(map(sql.Identifier, keys)), sql.SQL(", ").join(marks), table_of(self._stream),
                sql.SQL(" OR ").join(marks),
            )
        ).fetchall()  # fmt: skip
        if not rows:
            return changed
        names_ = [f"key_{n}" for n in range(len(keys))] + [column.name for column in columns]
        frame = pl.DataFrame(rows, schema=names_, orient="row", infer_schema_length=None)
        named = frame.select(pl.col(f"key_{n}").alias(name) for n, name in enumerate(keys))
        # The session may speak in another zone than the keys are written in.
        named = named.with_columns(pl.col(pl.Datetime("us", "*")).dt.convert_time_zone("UTC"))
        ours = record_keys(named, self._stream)
        for column in columns:
            changed[column.name] = set(ours.filter(frame[column.name]).to_list())
        return changed

    def _mark(self, column: Column) -> sql.Composable:
        value, raw = sql.Identifier(column.name), sql.Identifier(f"{column.name}_raw")
        gone = sql.SQL("({} IS NULL AND {} IS NOT NULL)").format(value, raw)
        if not (column.semantic_type or "").endswith("longitude"):
            return gone
        # A longitude that is far from what was received was the latitude.
        far = sql.SQL("coalesce(abs({} - nullif({}, '')::float8) > 10, false)").format(value, raw)
        return sql.SQL("({} OR {})").format(gone, far)

    def _seen_twice(self) -> int:
        """Rows that came again and were known: unchanged ones, and held ones seen twice."""
        row = self._conn.execute(
            "SELECT coalesce(sum(rows_unchanged), 0)::bigint FROM control.load"
            " WHERE system = %s AND stream = %s AND run_id = %s AND state = 'committed'",
            [*self._where, RUN],
        ).fetchone()
        held = self._conn.execute(
            "SELECT coalesce(sum(times_seen - 1), 0)::bigint FROM quarantine.row WHERE system = %s AND stream = %s",
            self._where,
        ).fetchone()
        return int(row[0] if row else 0) + int(held[0] if held else 0)


def hub_keys(served: pl.Series, contract: Contract, stream: Stream) -> list[str]:
    """Our record keys for those of the town; a part that cannot be read stands in them as it was served."""
    zone = contract.server_of(stream).timezone
    parts = served.str.splitn("|", len(stream.primary_key)).struct.unnest()
    columns = []
    for number, column in enumerate(stream.primary_key):
        texts = parts.to_series(number).str.strip_chars()
        texts = pl.select(pl.when(texts != "").then(texts)).to_series()
        columns.append(key_text(judge(texts, column, zone).values).fill_null(texts).fill_null("").alias(column.name))
    return pl.DataFrame(columns).select(pl.concat_str(pl.all(), separator="|")).to_series().to_list()


def measure(home: Path, scale: float, seed: int) -> tuple[dict[str, Score], int]:
    """Scores by kind, and the rows that were taken in, in this process's own home."""
    contracts = dict(demo.bring_up(scale, seed))
    asked = [(contracts[stream.system], stream) for stream in names.selected_streams(contracts, None)]
    rows = 0
    with receiving.listening():
        town.wait_delivered(print)
        pulls = Pulls(RUN, asked, Silent())
        for _, stream in asked:
            future = pulls.take(stream)
            assert future is not None
            done = future.result().load
            if done.state != "committed":
                raise RuntimeError(f"{stream.system}.{stream.name} is {done.state} and not committed")
            rows += done.rows_in
    truth = home / "truth"
    town.control("POST", "/truth", {"out": str(truth)})
    planted = pl.read_parquet(truth / "defects.parquet")
    enabled = {contract.id: contract for contract, _ in asked}
    with psycopg.connect(connection.url()) as conn:
        return score(conn, enabled, planted.filter(pl.col("system").is_in(list(enabled)))), rows


def table(scores: Mapping[str, Score]) -> Iterator[str]:
    """Lines for a person: a row per kind, and where the kinds that fall short do so."""
    yield f"{'kind':<26}{'planted':>9}{'reported':>10}{'found':>8}{'recall':>9}{'precision':>11}  outcome"
    for kind, one in scores.items():
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in sorted(one.outcomes.items()))
        figures = f"{one.planted:>9}{one.reported:>10}{one.found:>8}{one.recall:>9.4f}{one.precision:>11.4f}"
        yield f"{kind:<26}{figures}  {outcomes}"
    for kind, one in scores.items():
        if one.astray:
            yield f"{kind} astray at " + ", ".join(f"{place} ({n})" for place, n in one.astray.most_common(8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="size of the town: 1 is 330,000 residents")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--json", action="store_true", help="end with one JSON object, write no file of results")
    options = parser.parse_args()
    with own_home() as home:
        scores, rows = measure(home, options.scale, options.seed)
    figures = {
        kind: {
            "planted": one.planted, "reported": one.reported, "found": one.found, "recall": one.recall,
            "precision": one.precision, "outcomes": dict(one.outcomes),
        }
        for kind, one in scores.items()
    }  # fmt: skip
    print(f"intake of a town of scale {options.scale:g}: {rows:,} rows")
    print("\n".join(table(scores)))
    if options.json:
        print(json.dumps({"rows_in": rows, "kinds": figures}))
    else:
        path = write_result(
            "defects", {"scale": options.scale, "seed": options.seed, "rows_in": rows, "kinds": figures}
        )
        print(f"written to {path}")
    if short := [kind for kind, one in scores.items() if not one.good]:
        sys.exit(f"below {AIM}: {', '.join(short)}")


if __name__ == "__main__":
    main()
