"""Valid rows for any stream, made from its contract alone: what tests and benchmarks feed to intake."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from connectors.contract import Column, Contract, Stream
from connectors.standards import coordinates, credit_code, device_id, resident_id

_FIRST_DAY = (dt.date(2025, 5, 1) - dt.date(1970, 1, 1)).days
_NAMES = ["单晓明", "欧阳娜", "王伟", "古丽·买买提", "李秀英", "𠮷田建国", "张敏", "陈䶮"]
_SQUARE = '{"type":"Polygon","coordinates":[[[120.1,30.3],[120.11,30.3],[120.11,30.31],[120.1,30.31],[120.1,30.3]]]}'


def sample_page(contract: Contract, stream: Stream, rows: int, *, first: int = 0) -> pl.DataFrame:
    """Rows `first` to `first + rows` of an endless table: columns by physicalName, strings, every row obeying.

    The same number always gives the same row.
    """
    numbers = np.arange(first, first + rows)
    crs = contract.server_of(stream).crs
    return pl.DataFrame({column.physical_name: _values(column, numbers, crs) for column in stream.columns})


def _values(column: Column, numbers: np.ndarray, crs: str) -> pl.Series:
    semantic = column.semantic_type or ""
    count = pl.Series(numbers)
    if column.codes:
        raws = pl.Series(list(column.codes))
        return raws.gather(count % len(raws))
    if semantic.endswith(("longitude", "latitude")):
        return _coordinates(semantic, numbers, crs)
    made = _by_standard(semantic, column, count)
    return made if made is not None else _by_type(column, count)


def _by_standard(semantic: str, column: Column, count: pl.Series) -> pl.Series | None:
    match semantic:
        case "cn.resident_id":
            return _resident_ids(count)
        case "cn.disability_certificate":
            return _resident_ids(count) + pl.Series(["42"])
        case "cn.credit_code" | "cn.taxpayer_no":
            return credit_code.make("91", pl.Series(["330199"] * len(count)), count)
        case "cn.gb28181_device_id":
            return device_id.make(pl.Series(["33019900"] * len(count)), count % 1_000_000)
        case "cn.bank_account":
            return pl.Series(["6299"]) + (count % 10**12).cast(pl.String).str.zfill(15)
        case "cn.property_unit":
            return (
                pl.Series(["330199001002GB"])
                + (count % 100_000).cast(pl.String).str.zfill(5)
                + pl.Series(["F00010001"])
            )
        case "cn.warning_id":
            seconds = pl.Series([dt.datetime(2025, 1, 1)] * len(count)) + (count * 1000).cast(pl.Duration("ms"))
            return "33019941600001_" + seconds.dt.strftime("%Y%m%d%H%M%S") + "_1"
        case "cn.phone":
            return pl.Series(["139"]) + (count % 100_000_000).cast(pl.String).str.zfill(8)
        case "cn.person_name":
            return pl.Series(_NAMES).gather(count % len(_NAMES))
        case "cn.sex":
            return (count % 2 + 1).cast(pl.String)
        case "cn.ethnic_group" | "cn.family_relation":
            return pl.Series(["01", "02"]).gather(count % 2)
        case "cn.disability_class" | "cn.disability_level":
            return (count % 4 + 1).cast(pl.String)
        case "cn.amount":
            digits = 4 if column.unit == "wan_yuan" else 2
            return (count % 10_000).cast(pl.String) + pl.Series(["." + "5" * digits])
        case "cn.month":
            return pl.Series(["2026-"]) + (count % 12 + 1).cast(pl.String).str.zfill(2)
        case "geo.polygon":
            return pl.Series([_SQUARE] * len(count), dtype=pl.String)
    return None


def _by_type(column: Column, count: pl.Series) -> pl.Series:
    if column.logical_type == "date":
        return ((count % 400) + _FIRST_DAY).cast(pl.Int32).cast(pl.Date).dt.strftime("%Y-%m-%d")
    if column.logical_type == "timestamp":
        seconds = 1_780_000_000 + count % 1_000_000
        if column.format == "epoch":
            return (seconds * 1000).cast(pl.String)
        return (seconds * 1_000_000).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d %H:%M:%S")
    if column.logical_type in ("integer", "number"):
        low = int(column.minimum or 0)
        high = int(column.maximum) if column.maximum is not None else low + 1000
        return (low + count % (high - low + 1)).cast(pl.String)
    if column.logical_type == "boolean":
        return (count % 2).cast(pl.String)
    return pl.Series([f"{column.name}-"]) + count.cast(pl.String)


def _resident_ids(count: pl.Series) -> pl.Series:
    days = (count // 999) % 20_000
    birth = pl.Series([dt.date(1950, 1, 1)] * len(count)) + pl.Series(days * 86_400_000).cast(pl.Duration("ms"))
    return resident_id.make(pl.Series(["330199"] * len(count)), birth, count % 999 + 1)


def _coordinates(semantic: str, numbers: np.ndarray, crs: str) -> pl.Series:
    parts = semantic.split(".")
    declared = parts[1] if len(parts) == 3 else crs
    lon, lat = 120.08 + (numbers % 600) * 1e-4, 30.28 + (numbers % 700) * 1e-4
    if declared in ("gcj02", "bd09"):
        convert = coordinates.gcj02_from_wgs84 if declared == "gcj02" else coordinates.bd09_from_wgs84
        lon, lat = convert(lon, lat)
    return pl.Series(lon if semantic.endswith("longitude") else lat).round(6).cast(pl.String)
