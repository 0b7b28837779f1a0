"""The last answers of each suite, kept in the hub's home for the data docs: checks and counts, no values of rows."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quality.checks import Check


@dataclass(frozen=True)
class Answer:
    """One check as it was last judged; `error` is the class of what kept it from being judged."""

    check: Check
    passed: bool
    error: str | None
    observed: dict[str, Any]


@dataclass(frozen=True)
class Record:
    """The last judgement of a table (`schema.table`)."""

    table: str
    judged_at: datetime
    answers: tuple[Answer, ...]


def folder() -> Path:
    from warehouse.settings import settings

    return settings().home / "quality" / "results"


def save(table: str, answers: Sequence[Answer]) -> None:
    """Keep the answers of a table in the place of its former ones."""
    path = folder() / f"{table}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"table": table, "judged_at": datetime.now(UTC).isoformat(), "answers": [asdict(a) for a in answers]}
    partial = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    partial.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def load() -> list[Record]:
    """All records, by table."""
    return [_read(path) for path in sorted(folder().glob("*.json"))]


def _read(path: Path) -> Record:
    document = json.loads(path.read_text(encoding="utf-8"))
    answers = [
        Answer(Check(**answer["check"]), answer["passed"], answer["error"], answer["observed"])
        for answer in document["answers"]
    ]
    return Record(document["table"], datetime.fromisoformat(document["judged_at"]), tuple(answers))
