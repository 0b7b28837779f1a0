"""Lineages of statements that were traced before, kept beside the manifest from one pass to the next.

A lineage hangs on the statement and on the columns of what it reads, so those two (and the tracer's own code) are its
key: where any of them changed, the statement is traced anew. Days differ from pass to pass and never change a lineage.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot

from quality import lineage, told_streams
from quality.lineage import Edges, Lineage

MOST = 3_000
"""Statements kept; beyond it those of earlier versions of the project are forgotten with the others."""
_DAY = re.compile(r"'\d{4}-\d\d-\d\d'")


class Traces:
    """The lineages kept in a folder. What cannot be read is traced again; nobody's verdict hangs on the file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "traces.json"
        self._known: dict[str, Any] = {}
        self._new = False
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            if kept["code"] == _code():
                self._known = kept["lineages"]

    def lineage(self, sql: str, read: Sequence[object], schema: lineage.Schema) -> Lineage:
        """What `lineage.trace` says of a statement; `read` is what it may read, by name. Raises Unresolved."""
        sql = _DAY.sub("'2000-01-01'", sql)
        key = hashlib.sha256(f"{read}\0{sql}".encode()).hexdigest()
        if key not in self._known:
            self._known[key] = _kept(lineage.trace(sql, schema))
            self._new = True
        return _told(self._known[key])

    def save(self) -> None:
        """Keep what was traced anew, for the next pass."""
        if not self._new:
            return
        lineages = self._known if len(self._known) <= MOST else {}
        part = self._path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps({"code": _code(), "lineages": lineages}), encoding="utf-8")
        part.replace(self._path)
        self._new = False


def _kept(found: Lineage) -> dict[str, Any]:
    return {
        "columns": {name: _pairs(edges) for name, edges in found.columns.items()},
        "influence": _pairs(found.influence),
        "streams": found.streams,
    }


def _told(kept: dict[str, Any]) -> Lineage:
    columns = {name: _edges(pairs) for name, pairs in kept["columns"].items()}
    return Lineage(columns, _edges(kept["influence"]), tuple(kept["streams"]))


def _pairs(edges: Edges) -> list[Any]:
    return [[list(edge), use] for edge, use in edges.items()]


def _edges(pairs: list[Any]) -> Edges:
    return {(schema, table, column): use for (schema, table, column), use in pairs}


@cache
def _code() -> str:
    source = b"".join(Path(path).read_bytes() for path in (lineage.__file__, told_streams.__file__))
    return hashlib.sha256(source + sqlglot.__version__.encode()).hexdigest()
