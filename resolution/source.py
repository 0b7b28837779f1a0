"""Where records of an entity stand, said without reading any: what Dagster's definitions may import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One staging view: SQL for the record key, for the fields of the kind, and for which records speak of it."""

    system: str
    stream: str
    record_key: str
    fields: dict[str, str]
    where: str = "true"

    @property
    def view(self) -> str:
        return f"staging.stg_{self.system}__{self.stream}"
