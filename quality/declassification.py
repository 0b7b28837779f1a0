"""Named exceptions to the purpose check, from `declassifications.yml`: who approved what, why and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import sqlglot
import yaml
from sqlglot import exp

FILE = Path(__file__).parent / "declassifications.yml"
SMALLEST_GROUP = 3
_FIELDS = {"model", "columns", "sources", "purpose", "approver", "basis", "expires", "minimum_group_size"}


class DeclassificationError(ValueError):
    """An entry is incomplete or too wide; the message says which and what to write."""


@dataclass(frozen=True)
class Declassification:
    """One purpose gains named source columns, but only through named columns of a model that groups them."""

    model: str
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    purpose: str
    approver: str
    basis: str
    expires: date
    minimum_group_size: int

    def covers(self, model: str, column: str, source: str) -> bool:
        """Whether it speaks of a source (`system.stream.column`) used through a column (`*`: the rows) of a model."""
        return model == self.model and (column == "*" or column in self.columns) and source in self.sources


def load(path: Path = FILE, *, today: date) -> list[Declassification]:
    """The entries in force on the day. Raises DeclassificationError for one that is incomplete, expired or not."""
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    entries = [_entry(number, entry) for number, entry in enumerate(document.get("declassifications") or [], 1)]
    return [entry for entry in entries if entry.expires >= today]


def _entry(number: int, entry: object) -> Declassification:
    where = f"declassification {number}"
    if not isinstance(entry, dict) or set(entry) != _FIELDS or not all(entry.values()):
        raise DeclassificationError(f"{where}: give exactly these fields, none empty: {', '.join(sorted(_FIELDS))}")
    if not isinstance(entry["expires"], date):
        raise DeclassificationError(f"{where}: write expires as YYYY-MM-DD")
    size = entry["minimum_group_size"]
    if not isinstance(size, int) or size < SMALLEST_GROUP:
        raise DeclassificationError(f"{where}: minimum_group_size is a number of at least {SMALLEST_GROUP}")
    if "*" in entry["columns"] or any(str(source).count(".") != 2 for source in entry["sources"]):
        raise DeclassificationError(f"{where}: name each column, and each source as system.stream.column")
    return Declassification(
        model=str(entry["model"]),
        columns=tuple(map(str, entry["columns"])),
        sources=tuple(map(str, entry["sources"])),
        purpose=str(entry["purpose"]),
        approver=str(entry["approver"]),
        basis=str(entry["basis"]),
        expires=entry["expires"],
        minimum_group_size=size,
    )


def keeps_small_groups_out(sql: str, entries: Sequence[Declassification]) -> bool:
    """Whether a model's outermost query groups and keeps only groups as large as every entry demands."""
    return _smallest_group(sql) >= max(entry.minimum_group_size for entry in entries)


@lru_cache(maxsize=64)
def _smallest_group(sql: str) -> int:
    """The least rows of a group that the outermost query keeps, 0 where it does not say. Asked for every column."""
    query = sqlglot.parse_one(sql, dialect="postgres")
    having = query.args.get("having")
    if not isinstance(query, exp.Select) or query.args.get("group") is None or having is None:
        return 0
    condition = having.this.unnest()
    parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition]
    return max((_least(part.unnest()) for part in parts), default=0)


def _least(condition: exp.Expression) -> int:
    """The n of `count(…) >= n` (n + 1 of `count(…) > n`), 0 for anything else."""
    if isinstance(condition, exp.GTE | exp.GT) and isinstance(condition.this, exp.Count):
        bound = condition.expression
        if isinstance(bound, exp.Literal) and not bound.is_string:
            return int(bound.this) + isinstance(condition, exp.GT)
    return 0
