"""The bounding box that points must lie in."""

from __future__ import annotations

import os

# The fictional town with a margin of its district.
DEFAULT = (119.9, 30.1, 120.4, 30.6)


def region() -> tuple[float, float, float, float]:
    """West, south, east, north in WGS-84 degrees; `TOWNHUB_REGION` = "west,south,east,north" sets another."""
    setting = os.environ.get("TOWNHUB_REGION")
    if not setting:
        return DEFAULT
    west, south, east, north = (float(part) for part in setting.split(","))
    return west, south, east, north
