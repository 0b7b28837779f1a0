"""Results of measurements: one JSON file each in bench/results, without a word about the machine's name."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"


def write_result(name: str, figures: dict[str, Any]) -> Path:
    """Write `bench/results/<name>.json`, rounded, with the day and the number of cores; returns its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"measured_on": datetime.now(UTC).date().isoformat(), "cores": os.cpu_count()} | _rounded(figures)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _rounded(value: Any) -> Any:
    """Three decimals, and six of what is below one: shares are held against aims like 0.9995."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 6 if abs(value) < 1 else 3) if isinstance(value, float) else value
