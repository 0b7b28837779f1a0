"""Values of records as people may see them in a terminal: whole where their class is L1 or L2, else their length."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.contract import Contract, Stream
from resolution.decisions import Record
from resolution.record_fields import Fields, source_of

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def masked(value: str | None) -> str | None:
    """As `townhub quarantine show` masks."""
    return None if value is None else f"••• ({len(value)} characters)"


class Masks:
    """Masks by the classes that the contracts give; what no contract describes is masked."""

    def __init__(self, contracts: Mapping[str, Contract]) -> None:
        self._contracts = contracts

    def record(self, record: Record) -> str:
        """system/stream/record_key, the key masked where a column of the primary key is of class L3 or above."""
        key = record.record_key if self.shows_key(record) else masked(record.record_key)
        return f"{record.system}/{record.stream}/{key}"

    def fields(self, kind: str, record: Record, fields: Fields) -> Fields:
        """The same fields, those of class L3 and above masked."""
        source, stream = source_of(kind, record.system, record.stream), self._stream(record)
        return {
            name: value if source and self._open(stream, source.fields[name]) else masked(value)
            for name, value in fields.items()
        }

    def shows_key(self, record: Record) -> bool:
        """Whether everybody who runs the hub may see the key of the record."""
        stream = self._stream(record)
        return self._open(stream, " ".join(column.name for column in stream.primary_key) if stream else "")

    def landed(self, record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a landed row; what the contract does not describe any more is masked too."""
        stream = self._stream(record)
        return {
            name: value
            if value is None or self._open(stream, name.removesuffix("_raw"))
            else f"••• ({len(str(value))} characters)"
            for name, value in values.items()
        }

    def told(self, value: Any, hidden: set[str]) -> Any:
        """A value of a product, with record keys that may not be seen masked wherever its evidence names them."""
        if isinstance(value, list):
            return [self.told(each, hidden) for each in value]
        if isinstance(value, dict):
            names = {"system", "stream", "record"} <= value.keys()
            if names and not self.shows_key(Record(value["system"], value["stream"], str(value["record"]))):
                return {**value, "record": masked(str(value["record"]))}
            return {name: self.told(each, hidden) for name, each in value.items()}
        return masked(value) if isinstance(value, str) and value in hidden else value

    def _stream(self, record: Record) -> Stream | None:
        contract = self._contracts.get(record.system)
        return contract.streams.get(record.stream) if contract else None

    def _open(self, stream: Stream | None, expression: str) -> bool:
        """Whether everybody who runs the hub may see what an SQL expression over the stream's columns gives."""
        named = set(_NAME.findall(expression))
        used = [column for column in (stream.columns if stream else ()) if column.name in named]
        return bool(used) and all(c.classification in ("L1", "L2") and not c.sensitive for c in used)
