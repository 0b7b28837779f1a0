"""What a picture is drawn from: one audited statement of one app, and which releases it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, LiteralString

from warehouse import access

ACTOR = "townhub pictures"
OLD_AFTER = timedelta(hours=36)
"""A family is released at least every morning; one that missed a morning by half a day is old."""


@dataclass(frozen=True)
class Moment:
    """When a picture is drawn, and the day that the hub's results are for."""

    now: datetime
    today: date


@dataclass(frozen=True)
class Release:
    """The release of a family that apps see."""

    family: str
    release_id: int
    as_of: date
    published_at: datetime

    def age(self, moment: Moment) -> timedelta:
        return max(timedelta(), moment.now - self.published_at)

    def days_behind(self, moment: Moment) -> int:
        """Days between the day it is of and the hub's day."""
        return max(0, (moment.today - self.as_of).days)

    def old(self, moment: Moment) -> bool:
        return self.days_behind(moment) > 0 or self.age(moment) > OLD_AFTER


def read(app: str, query: LiteralString) -> dict[str, Any]:
    """The one JSON document of a statement, as the app may see it. One statement sees one release of a family."""
    rows = access.run_as(app, query, actor=ACTOR).rows
    return dict(rows[0][0])


def releases(document: Mapping[str, Any]) -> list[Release]:
    """The releases that a document names under `releases`; empty before the first."""
    return [
        Release(
            family=str(row["family"]),
            release_id=int(row["release_id"]),
            as_of=date.fromisoformat(row["as_of"]),
            published_at=datetime.fromisoformat(row["published_at"]),
        )
        for row in document.get("releases") or []
    ]


def told(length: timedelta) -> str:
    """A length of time in its largest whole unit: 4 days, 1 hour, less than a minute."""
    minutes = int(length.total_seconds() // 60)
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= size:
            count = minutes // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def counted(rows: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    """Sum of `n` by the value of a column; a missing value is 'unknown'."""
    sums: dict[str, int] = {}
    for row in rows:
        key = str(row[name] or "unknown")
        sums[key] = sums.get(key, 0) + int(row["n"])
    return sums
