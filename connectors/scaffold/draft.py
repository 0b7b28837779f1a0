"""A whole stream out of the guesses for its columns: names, points, key, time of change, classes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from connectors.region import region
from connectors.scaffold.guesses import Guess, guess
from connectors.scaffold.headings import in_our_words
from connectors.scaffold.keys import key_of
from connectors.scaffold.samples import Sample
from connectors.standards import coordinates

_AXES: Final = ("longitude", "latitude")
_PLAUSIBLE: Final = {"longitude": (70.0, 140.0), "latitude": (15.0, 56.0)}
_POINTS: Final = 5_000
_TOLD_APART: Final = 0.02
"""Difference of the shares of points inside the region from which one CRS is better than another."""


@dataclass(frozen=True)
class Drafted:
    """One column as it will stand in the contract."""

    guess: Guess
    name: str
    key: bool
    required: bool
    classification: str
    sensitive: bool


@dataclass(frozen=True)
class Draft:
    """A stream as it will stand in the contract; `crs` is None without points, "" where a person must say it."""

    columns: tuple[Drafted, ...]
    left_out: tuple[Guess, ...]
    cursor: str | None
    load: str
    crs: str | None
    key_remark: str
    crs_remark: str


def draft(sample: Sample, words: Mapping[str, str] | None = None) -> Draft:
    """The stream that the sample shows. `words`: what our contracts call such headings (`headings.vocabulary`)."""
    guesses = [guess(column, sample.types.get(column.name, "")) for column in sample.frame.get_columns()]
    guesses = [replace(item, heading=in_our_words(item.physical_name, item.heading, words or {})) for item in guesses]
    left_out = tuple(item for item in guesses if item.left_out)
    guesses = _points([item for item in guesses if not item.left_out], sample.frame)
    crs, crs_remark = _crs(guesses, sample.frame)
    key, key_remark = key_of(guesses, sample)
    names = _names(guesses)
    cursor = _cursor(guesses, sample)
    persons = any(item.hint in ("resident_id", "disability_certificate", "birth", "sex") for item in guesses)
    columns = []
    for item, name in zip(guesses, names, strict=True):
        in_key = item.physical_name in key
        required = in_key or item.physical_name == cursor
        classification, sensitive = _class(item, persons)
        columns.append(Drafted(item, name, in_key, required, classification, sensitive))
    ours = next((column.name for column in columns if column.guess.physical_name == cursor), None)
    return Draft(
        tuple(columns),
        left_out,
        cursor=ours,
        load="changes" if ours else "snapshot",
        crs=crs,
        key_remark=key_remark,
        crs_remark=crs_remark,
    )


def _class(item: Guess, persons: bool) -> tuple[str, bool]:
    """Class (DB33/T 2350: L4 is the most sensitive) and whether it is sensitive personal information (PIPL 28)."""
    if item.personal or (item.hint == "address" and persons):
        return "L4", True
    if item.hint == "changed":
        return "L1", False
    if item.hint == "credit_code":
        return "L1", False
    if item.hint == "amount":
        return ("L4" if persons else "L3"), False
    if persons or item.hint in ("address", "text", *_AXES):
        return "L3", False
    return "L2", False


def _names(guesses: Sequence[Guess]) -> list[str]:
    """Our names, each once: a second `name` takes its place in the file along."""
    taken: list[str] = []
    for item in guesses:
        name, number = item.heading.name, 2
        while name in taken:
            name, number = f"{item.heading.name[:38]}_{number}", number + 1
        taken.append(name)
    return taken


def _cursor(guesses: Sequence[Guess], sample: Sample) -> str | None:
    """The time of change: only a source that can be asked for changes has a use for it, and it must never lack."""
    if sample.protocol == "sftp":
        return None
    for item in guesses:
        if item.hint == "changed" and item.logical_type == "timestamp" and not item.format:
            values = sample.frame[item.physical_name].str.strip_chars()
            if not item.remarks and not (values.fill_null("") == "").any():
                return item.physical_name
    return None


def _points(guesses: list[Guess], frame: pl.DataFrame) -> list[Guess]:
    """Longitudes and latitudes, in the order in which they stand, as pairs of one name."""
    axes = {axis: [item for item in guesses if _is_axis(item, axis, frame)] for axis in _AXES}
    pairs = list(zip(axes["longitude"], axes["latitude"], strict=False))
    changed: dict[str, Guess] = {}
    for number, pair in enumerate(pairs, 1):
        for axis, item in zip(_AXES, pair, strict=True):
            name = axis if number == 1 else f"{axis}_{number}"
            heading = replace(item.heading, name=name, listed=True)
            share = _within(frame[item.physical_name], *_PLAUSIBLE[axis])
            remarks = () if share == 1 else (f"{share:.1%} of the values are degrees",)
            changed[item.physical_name] = replace(
                item, heading=heading, hint=axis, logical_type="number", semantic_type=f"geo.{axis}", remarks=remarks
            )
    found = []
    for item in guesses:
        item = changed.get(item.physical_name, item)
        if item.hint in _AXES and item.semantic_type is None:
            # Metres of a local grid need official parameters; converting them by guess would move every point.
            item = item.but("no degrees with a partner: local coordinates? Then no point can be made of it", hint="")
            if item.heading.name.startswith(_AXES):
                item = replace(item, heading=replace(item.heading, name=f"local_{item.heading.name}"))
        found.append(item)
    return found


def _is_axis(item: Guess, axis: str, frame: pl.DataFrame) -> bool:
    values = frame[item.physical_name]
    low, high = _PLAUSIBLE[axis]
    if item.hint in _AXES:
        # A source that exchanges the axes in some rows still has one column for each.
        return item.hint == axis and _within(values, 15.0, 140.0) >= 0.5
    if item.hint != "" or item.logical_type != "number":
        return False
    exact = values.drop_nulls().str.contains(r"^\s*\d{2,3}\.\d{4,}\s*$")
    return bool(len(exact)) and bool(exact.all()) and _within(values, low, high) == 1


def _within(values: pl.Series, low: float, high: float) -> float:
    numbers = values.str.strip_chars().cast(pl.Float64, strict=False).drop_nulls()
    return float(numbers.is_between(low, high).mean() or 0) if len(numbers) else 0.0  # type: ignore[arg-type]


def _crs(guesses: Sequence[Guess], frame: pl.DataFrame) -> tuple[str | None, str]:
    """The CRS by a heading that names it, or by where the points would lie; "" where neither tells it."""
    pairs = [
        tuple(item for item in guesses if item.semantic_type == f"geo.{axis}" and item.heading.name == axis)
        for axis in _AXES
    ]
    if not all(pairs):
        return None, ""
    columns = [pair[0].physical_name for pair in pairs]
    said = " ".join(columns).lower()
    for crs, words in (("bd09", r"bd|百度"), ("gcj02", r"gcj|高德|腾讯"), ("wgs84", r"wgs|gps|84|2000")):
        if re.search(words, said):
            return crs, "by the heading"
    lon, lat = (frame[c].str.strip_chars().cast(pl.Float64, strict=False).to_numpy() for c in columns)
    known = np.isfinite(lon.astype(float)) & np.isfinite(lat.astype(float))
    shares = coordinates.crs_hypotheses(lon[known][:_POINTS], lat[known][:_POINTS], region())
    told = ", ".join(f"{crs} {share:.1%}" for crs, share in shares.items())
    ranked = sorted(("wgs84", "gcj02", "bd09"), key=lambda crs: -shares[crs])
    if shares[ranked[0]] - shares[ranked[1]] >= _TOLD_APART:
        return ranked[0], f"points inside the region: {told}"
    return "", f"wgs84 (GPS), gcj02 (Chinese maps) or bd09 (Baidu)? Points inside the region: {told}"
