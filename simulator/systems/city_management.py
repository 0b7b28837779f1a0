"""数字城管: cases of events and broken components; a grid and a map of its own that nobody here can convert."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import SoapOperation
from simulator.views import dirt, events
from simulator.views.base import Draft, Floats, Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.calibration import DISTRICT_CODE
from simulator.world.facts.draws import strangers
from simulator.world.geography import plane
from simulator.world.model import World

STREAMS = {
    "cases": {
        "task_no": "RWH",
        "source": "WTLY",
        "main_class": "DLBM",
        "sub_class": "XLBM",
        "component_code": "BJBM",
        "city_grid_code": "DYWGBM",
        "address": "WZMS",
        "local_x": "ZBX",
        "local_y": "ZBY",
        "description": "WTMS",
        "reported_at": "SBSJ",
        "assigned_at": "PQSJ",
        "handled_at": "CZSJ",
        "closed_at": "JASJ",
        "state": "AJZT",
        "updated_at": "GXSJ",
    }
}
SERVED_BY = {"cases": SoapOperation("QueryCases")}
SUB_CLASSES = {
    "sanitation": "0201",
    "shop_occupying_road": "0504",
    "illegal_parking": "0602",
    "facility_damage": "0107",
    "noise": "0211",
    "safety_hazard": "0305",
    "dispute": "0901",
}
OTHER_CLASS = "0999"
_STATES = {"received": "1", "assigned": "2", "handled": "3", "closed": "4", "feedback": "4"}
_SOURCES, _SOURCE_SHARES = ("1", "2", "3", "4"), np.cumsum([0.7, 0.14, 0.11])
# the local map's false origin and its turn against north: known to the survey office alone
_ORIGIN = (81_400.0, 73_250.0)
_TURN = np.radians(0.37)
_CELL_METRES = 120


def _mixed(values: pl.Series, luck: Floats) -> pl.Series:
    """Code and word in one field."""
    words = {code: events.WORDS[kind] for kind, code in SUB_CLASSES.items()}
    return values + values.replace_strict(words, default=events.OTHER_WORD, return_dtype=pl.String)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`cases`: one row per case."""
    cases = events.reports(world, "city_management")
    ids = cases["report_id"].to_numpy()
    source = np.searchsorted(_SOURCE_SHARES, hashing.uniform(ids, seed, "city_management", "source"), side="right")
    x, y = plane(cases["longitude"].to_numpy(), cases["latitude"].to_numpy())
    component = hashing.integers(ids, 1, 1_000_000, seed, "city_management", "component")
    broken = pl.col("kind") == "facility_damage"
    cases = cases.with_columns(
        task_no=pl.col("reported_at").dt.strftime("%Y%m%d") + pl.col("report_id").cast(pl.String).str.zfill(8),
        source=pl.Series(_SOURCES).gather(pl.Series(source.astype(np.uint32))),
        main_class=pl.when(broken).then(pl.lit("2")).otherwise(pl.lit("1")),
        sub_class=pl.col("kind").replace_strict(SUB_CLASSES, default=OTHER_CLASS, return_dtype=pl.String),
        component_code=pl.when(broken).then(
            pl.lit(DISTRICT_CODE + "0107") + pl.Series(component).cast(pl.String).str.zfill(6)
        ),
        city_grid_code=_cells(x, y),
        local_x=pl.Series(np.round(_ORIGIN[0] + x * np.cos(_TURN) - y * np.sin(_TURN), 2)),
        local_y=pl.Series(np.round(_ORIGIN[1] + x * np.sin(_TURN) + y * np.cos(_TURN), 2)),
        description=pl.col("text"),
        state=pl.col("status").replace_strict(_STATES, default="1", return_dtype=pl.String),
        _collector=strangers(hashing.integers(ids, 1, 60, seed, "collector"), seed, "collector")["name"],
    )
    rows = draft(seed, "city_management", "cases", cases, "_report_id")
    _degrees(rows)
    rows.spoil("sub_class", 0.04, "mixed", _mixed)
    rows.spoil("address", 0.5, "nearby", dirt.nearby)
    dirt.addresses(rows, spelling=0.3)
    rows.spoil("city_grid_code", 0.01, "missing", constant(None))
    rows.spoil("state", 0.001, "code", one_of("0", "结案"), defect="unknown_code")
    rows.spoil("main_class", 0.001, "code", one_of("3", "部件"), defect="unknown_code")
    rows.spoil("reported_at", 0.0008, "missing", constant(None), defect="missing_required")
    return {
        "cases": rows.served(
            STREAMS["cases"], ["task_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
            unasked={"_collector": "CJYXM"}, incidents="_incident_id",
        )
    }  # fmt: skip


def _cells(x: Floats, y: Floats) -> pl.Series:
    """Codes of the city's own grid of small squares, which does not fit the governance grid."""
    column = (x // _CELL_METRES).astype(np.int64) + 200
    row = (y // _CELL_METRES).astype(np.int64) + 200
    number = pl.Series(column * 1_000 + row).cast(pl.String).str.zfill(6)
    return pl.select(pl.lit(DISTRICT_CODE + "10300000") + pl.lit(number)).to_series()


def _degrees(rows: Draft) -> None:
    """Newer handhelds send degrees where the map's metres belong."""
    sent = rows.pick(0.012, "degrees")
    for column, corner in (("local_x", 120.05), ("local_y", 30.28)):
        near = lambda values, luck, corner=corner: pl.Series(np.round(corner + luck * 0.06, 6))  # noqa: E731
        rows.spoil(column, 1.0, "degrees", near, defect="out_of_range", among=sent)
