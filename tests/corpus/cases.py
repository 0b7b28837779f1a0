"""What a case of the corpus of malformed inputs is, and the table that all of them hold in one form or another."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Column, Server, Stream

CANARY = "the words of a file that no document may bring in"
"""Documents with entities point at this very file: were one of them expanded, these words would stand in a row."""
CANARY_FILE = Path(__file__).resolve().as_uri()

NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
SEED = 20260630

Row = dict[str, str | None]

COLUMNS = (
    Column("id", "bh", "string", "L1", primary_key=True, required=True),
    Column("name", "xm", "string", "L4", required=True, sensitive=True, semantic_type="cn.person_name"),
    Column("resident_id", "sfzh", "string", "L4", sensitive=True, semantic_type="cn.resident_id"),
    Column("state", "zt", "string", "L1", codes={"1": "open", "2": "closed"}),
    Column("amount", "je", "number", "L2", semantic_type="cn.amount", unit="yuan"),
    Column("note", "bz", "string", "L1"),
    Column("changed_at", "gxsj", "timestamp", "L1", required=True),
)
AREA = Column("area", "geometry", "string", "L1", semantic_type="geo.polygon")
FIELDS = tuple(column.physical_name for column in COLUMNS)


@dataclass(frozen=True)
class Read:
    """The source is read: so many rows come in, those of `held` go to quarantine, all others land.

    `held` has (key of the record or None where it is the key that is spoiled, reason). A reason without a column
    stands for any. `values` are cells that must have been landed: (key, our column) → typed value.
    """

    rows: int
    held: tuple[tuple[str | None, str], ...] = ()
    values: Mapping[tuple[str, str], Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """Nothing of the source is taken: the class of the error, and words of its message, remedy included."""

    error: type[Exception]
    says: str
    remedy: str = ""


Ends = Read | Refused


@dataclass(frozen=True)
class Case:
    """One malformed input and how it must end.

    `shape` names the way in (a key of `tests.corpus.run.WAYS`), `body` makes what arrives (bytes or several
    messages), anew for each run so that the corpus itself costs no memory.
    """

    name: str
    shape: str
    body: Callable[[], Any]
    ends: Ends
    options: Mapping[str, Any] = field(default_factory=dict)


def stream(shape: str, **source: Any) -> Stream:
    """The stream of a case: the same columns whatever the way in."""
    columns = (*COLUMNS, AREA) if shape == "geojson" else COLUMNS
    cursor = next(column for column in columns if column.name == "changed_at")
    return Stream("corpus", shape, "records", "changes", columns, cursor=cursor, source=source)


def server(protocol: str, **properties: Any) -> Server:
    return Server("any", {"protocol": protocol, "timezone": "Asia/Shanghai", **properties})


def good_rows(count: int = 6) -> list[Row]:
    """Rows that obey the contract."""
    return [
        {
            "bh": f"R{number:04d}",
            "xm": "欧阳娜",
            "sfzh": "11010519491231002X",
            "zt": "12"[number % 2],
            "je": f"{number}.50",
            "bz": f"第{number}号",
            "gxsj": f"2026-05-01 08:{number:02d}:00",
        }
        for number in range(1, count + 1)
    ]


def luck(name: str) -> random.Random:
    """Chance of its own for each case: a case that is added changes none of the others."""
    return random.Random(f"{SEED}:{name}")
