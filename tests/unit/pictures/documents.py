"""What the statements of the pages answer, in small: a document for each page, with hostile words in it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from pictures.pages.freshness import FAMILIES
from pictures.reading import Moment

HOSTILE = '<script src="http://evil.example/x.js"></script>"\'><img src=//evil.example> url(http://evil.example)'
MOMENT = Moment(datetime(2026, 6, 30, 4, 0, tzinfo=UTC), date(2026, 6, 30))


def release(family: str, day: str = "2026-06-30", at: str = "2026-06-30T11:59:00+08:00") -> dict[str, Any]:
    return {"family": family, "release_id": 7, "as_of": day, "published_at": at, "age": "00:01:00"}


def square(west: float, south: float, side: float = 0.01) -> str:
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    ring = [[west + side * x, south + side * y] for x, y in corners]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def grid(code: str, colour: str | None, **more: Any) -> dict[str, Any]:
    plain = {
        "grid_code": code, "name": f"grid {code}", "community_code": "C1", "community_name": "社区", "colour": colour,
        "confidence": "high", "reason": f"{colour}: so", "shrunk_score": 50.0, "premises_count": 9, "scored_count": 9,
        "red_count": 9, "yellow_count": 0, "green_count": 0, "grey_count": 0, "rows_held": 0,
        "border": square(120.1 + 0.01 * int(code), 30.3),
    }  # fmt: skip
    return {**plain, **more}


def _counts(**more: Any) -> dict[str, Any]:
    return {"never": 0, "in_month": 0, "drawn": 0, "reopened": 0, "bulk": 0, **more}


DOCUMENTS: dict[str, dict[str, Any]] = {
    "grid_map": {
        "releases": [release("safety")],
        "grids": [
            grid("1", "red", name=HOSTILE, reason=HOSTILE),
            grid("2", "green", confidence="low"),
            grid("3", "grey", shrunk_score=None),
            grid("4", "orange", border=None),
        ],
    },
    "inspection_coverage": {
        "releases": [release("safety")],
        "categories": [
            _counts(category="street_shop", state="overdue", n=30, in_month=4),
            _counts(category=HOSTILE, state="later", n=70, in_month=70),
        ],
        "colours": [_counts(colour="grey", state="due", n=100)],
        "communities": [_counts(community_code="C1", state="later", n=100)],
        "names": {"C1": HOSTILE},
    },
    "welfare_funnel": {
        "releases": [release("welfare")],
        "claims": [
            {"policy_code": "P08", "outcome": "eligible", "finding": "as_due", "n": 143},
            {"policy_code": "P08", "outcome": "eligible", "finding": "unclaimed", "n": 3},
            {"policy_code": HOSTILE, "outcome": "eligible", "finding": "unclaimed", "n": 27},
        ],
    },
    "event_closure": {
        "releases": [release("enforcement")],
        "months": [_counts(month="2026-06", fate="in_time", n=50), _counts(month="2026-06", fate="unknown", n=5)],
        "kinds": [_counts(kind=HOSTILE, fate="in_time", n=55)],
        "communities": [_counts(community_code=HOSTILE, fate="in_time", n=55)],
    },
    "freshness": {
        "releases": [release(family) for family in FAMILIES],
        "inputs": [
            {
                "system": HOSTILE, "stream": "s", "owner": HOSTILE, "state": state, "fresh_seconds": 3600,
                "source_time": None, "last_committed_at": "2026-06-30T11:00:00+08:00",
            }
            for state in ("fresh", "failed")
        ],
    },
    "case_study": {
        "releases": [release("overview")],
        "figures": [
            {
                "figure_code": code, "module": "overview", "label": HOSTILE, "unit": "people", "stated_low": low,
                "stated_high": low, "scale_free": False, "note": HOSTILE, "hub_value": value, "ratio": ratio,
                "state": "counted" if value else "unknown", "reason": HOSTILE,
            }
            for code, low, value, ratio in (
                ("residents", 330000, 33000, 0.1), ("events", 20000, 2100, 0.105), ("payments", 29560, None, None),
            )
        ],
    },
}  # fmt: skip
