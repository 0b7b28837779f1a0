"""区视频资源: names that speak of another place, swapped and zero coordinates."""

from __future__ import annotations

import polars as pl

from connectors.standards import device_id
from simulator.interfaces import Catalogue
from simulator.views import dirt, places
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.calibration import DISTRICT_CODE, DISTRICT_NAME, TOWN_NAME
from simulator.world.model import World

STREAMS = {
    "devices": {
        "device_id": "DeviceID",
        "name": "Name",
        "civil_code": "CivilCode",
        "address": "Address",
        "longitude": "Longitude",
        "latitude": "Latitude",
        "state": "Status",
    }
}
SERVED_BY = {"devices": Catalogue()}
_STATES = {"online": "ON", "offline": "OFF"}


def _letters(values: pl.Series, luck: Floats) -> pl.Series:
    """A zero typed as the letter O."""
    return values.str.slice(0, 18) + "O" + values.str.slice(19)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`devices`: one row per camera."""
    grids = world.grids.select("grid_id", _grid="name")
    there = world.cameras.filter(pl.col("status") != "removed")
    cameras = there.join(grids, on="grid_id", how="left", maintain_order="left").with_columns(
        civil_code=pl.lit(DISTRICT_CODE),
        address=pl.lit(DISTRICT_NAME + TOWN_NAME) + pl.col("_grid"),
        longitude="lon",
        latitude="lat",
        state=pl.col("status").replace_strict(_STATES, default="OFF", return_dtype=pl.String),
        _row=pl.col("camera_id"),
    )
    rows = draft(seed, "video_index", "devices", cameras, "_row")
    places.faults(rows, share=0.02)
    rows.spoil("name", 0.02, "alias", dirt.alias)
    rows.spoil(
        "device_id", 0.002, "letter", _letters, defect="invalid_device_id",
        judge=lambda new: ~device_id.is_valid(new).fill_null(False),
    )  # fmt: skip
    rows.spoil("state", 0.002, "code", one_of("UNKNOWN"), defect="unknown_code")
    rows.spoil("name", 0.001, "missing", constant(None), defect="missing_required")
    return {"devices": rows.served(STREAMS["devices"], ["device_id"])}
