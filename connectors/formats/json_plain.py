"""JSON pages as most systems write them, read by where their quotes stand: much less work than a parser has.

Flat records without a blank or a backslash, all with the keys of the first one in its order: then every quote begins
or ends a text, and what stands between two values is known beforehand to the byte. Every byte of the page is held
against that, so that a page that is not just so is left to the other ways of `connectors.formats.json_pages`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from connectors.formats.octets import REPLACEMENT, may_begin_blank, may_end_blank
from connectors.limits import LONGEST_FIELD

_QUOTE, _COLON, _SPACE = (np.uint8(ord(character)) for character in '": ')
_INLINE: Final = 12
_LENGTH: Final = np.uint64(0xFFFFFFFF)
"""Arrow's view of a text holds so many bytes itself; of longer ones it holds the first four and where they stand."""
_BARE: Final = r"^(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)$"

Offsets = NDArray[np.int64]
Mask = NDArray[np.bool_]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Plain:
    """Records as Strings, and whether their texts are clean (see `protocols.base.Page`)."""

    frame: pl.DataFrame
    clean: bool = False


def read_plain(payload: bytes, keys: list[str]) -> Plain | None:
    """An array of records → a frame of Strings, numbers with the digits that were sent; None where it is not plain.

    Nothing of it keeps `payload`.
    """
    data = np.frombuffer(payload, np.uint8)
    if (
        b"\\" in payload
        or payload[:2] != b"[{"
        or payload[-2:] != b"}]"
        or data.min() < _SPACE
        or not _is_utf8(payload)
    ):
        return None
    quotes = np.flatnonzero(data == _QUOTE)  # as many as here, block by block they cost half as much again
    if not len(quotes) or len(quotes) % 2:
        return None
    found = None
    if len(quotes) % (4 * len(keys)) == 0:
        found = _read(payload, data, quotes[2::4] + 1, quotes[3::4], None, keys)
    if found is None and (values := _values(data, quotes, len(keys))) is not None:
        found = _read(payload, data, *values, keys)
    return found


def _read(
    payload: bytes, data: NDArray[np.uint8], starts: Offsets, ends: Offsets, are_texts: Mask | None, keys: list[str]
) -> Plain | None:
    """The frame of these values, or None where something else than the keys stands between them."""
    quote = [b'"', b'"'] if are_texts is None else [b'"' * int(are_texts[0]), b'"' * int(are_texts[-1])]
    if payload[: starts[0]] != b'[{"' + keys[0].encode() + b'":' + quote[0] or payload[ends[-1] :] != quote[1] + b"}]":
        return None
    views, buffers = _views(payload, starts, ends)
    if not _are_between(data, views[1::2], ends[:-1], are_texts, keys):
        return None
    columns = np.ascontiguousarray(views[::2].reshape(-1, len(keys), 2).transpose(1, 0, 2))
    frame = _frame(columns, buffers, keys)
    whole = frame if are_texts is None else _with_bare(frame, are_texts.reshape(-1, len(keys)))
    return Plain(whole, _are_clean(payload, data, starts, ends)) if whole is not None else None


def _are_clean(payload: bytes, data: NDArray[np.uint8], starts: Offsets, ends: Offsets) -> bool:
    """Whether all values are; a control character, which U+0000 is, would stand in no plain page."""
    lengths = ends - starts
    if lengths.min() < 1 or lengths.max() > LONGEST_FIELD or may_begin_blank(data, starts) or may_end_blank(data, ends):
        return False
    # To look for the first of its bytes, which full-width characters have too, is five times faster.
    return not (data == REPLACEMENT[0]).any() or REPLACEMENT not in payload


def _is_utf8(payload: bytes) -> bool:
    edges = pa.py_buffer(np.array([0, len(payload)], dtype=np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, edges, pa.py_buffer(payload)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _values(data: NDArray[np.uint8], quotes: Offsets, width: int) -> tuple[Offsets, Offsets, Mask] | None:
    """Where each value begins and ends, texts without their quotes, and which are texts."""
    opens, closes = quotes[0::2], quotes[1::2]
    keys = np.flatnonzero(data[closes + 1] == _COLON)
    if not len(keys) or len(keys) % width or keys[0] != 0:
        return None
    texts_after = np.diff(keys, append=len(opens)) - 1
    if texts_after.max() > 1:
        return None
    are_texts = texts_after == 1
    starts = closes[keys] + 2
    # What is no text ends a comma before the next key, at the end of its record with the braces around that.
    ends = np.append(opens[keys[1:]] - 1, len(data) - 2)
    ends[width - 1 : -1 : width] -= 2
    ends[are_texts] = closes[keys[are_texts] + 1]
    starts += are_texts
    return (starts, ends, are_texts) if (ends >= starts).all() else None


def _views(payload: bytes, starts: Offsets, ends: Offsets) -> tuple[Words, list[pa.Buffer]]:
    """Arrow's views (two words each) of every value and of what stands between it and the next, and their buffers."""
    edges = np.empty(2 * len(starts), dtype=np.int64)
    edges[0::2], edges[1::2] = starts, ends
    pieces = pa.LargeStringArray.from_buffers(len(edges) - 1, pa.py_buffer(edges), pa.py_buffer(payload))
    series = pl.from_arrow(pieces)
    assert isinstance(series, pl.Series)
    array = series.to_arrow(compat_level=pl.CompatLevel.newest())
    _, views, *buffers = array.buffers()
    return np.frombuffer(views, dtype="<u8").reshape(-1, 2), buffers


def _are_between(
    data: NDArray[np.uint8], views: Words, places: Offsets, are_texts: Mask | None, keys: list[str]
) -> bool:
    """Whether between every two values stands just what the keys want there."""
    width = len(keys)
    for column, key in enumerate([*keys[1:], keys[0]]):
        mine = slice(column, None, width)
        here, at = views[mine], places[mine]
        if are_texts is None:
            kinds = np.array([3])
        else:
            kind = 2 * are_texts[:-1][mine] + are_texts[1:][mine]
            kinds = np.unique(kind)
        for one in kinds:
            comma = "," if column < width - 1 else "},{"
            wanted = f'{chr(34) * (one >> 1)}{comma}"{key}":{chr(34) * (one & 1)}'.encode()
            rows = slice(None) if len(kinds) == 1 else kind == one
            if not _are(data, here[rows], at[rows], wanted):
                return False
    return True


def _are(data: NDArray[np.uint8], views: Words, places: Offsets, wanted: bytes) -> bool:
    """Whether all views are of the same bytes."""
    first = np.frombuffer(len(wanted).to_bytes(4, "little") + wanted[:_INLINE].ljust(_INLINE, b"\0"), dtype="<u8")
    if not (views[:, 0] == first[0]).all():
        return False
    if len(wanted) <= _INLINE:
        return bool((views[:, 1] == first[1]).all())
    rest = np.frombuffer(wanted[4:], dtype=np.uint8)
    return bool((data[places[:, None] + np.arange(4, len(wanted))] == rest).all())


def _frame(columns: Words, buffers: list[pa.Buffer], keys: list[str]) -> pl.DataFrame:
    arrays = [
        pa.Array.from_buffers(pa.string_view(), len(views), [None, pa.py_buffer(views), *buffers]) for views in columns
    ]
    # The longer texts are put together, so that nothing keeps the page, which has twice their bytes.
    arrays = [
        array.cast(pa.large_string()) if (views[:, 0] & _LENGTH).max() > _INLINE else array
        for array, views in zip(arrays, columns, strict=True)
    ]
    frame = pl.from_arrow(pa.Table.from_arrays(arrays, names=keys))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _with_bare(frame: pl.DataFrame, are_texts: Mask) -> pl.DataFrame | None:
    """The frame with null where null was sent; None where something is neither a text nor a number nor a word."""
    columns = []
    for texts, column in zip(are_texts.T, frame.get_columns(), strict=True):
        if texts.all():
            columns.append(column)
            continue
        bare = pl.Series(~texts)
        if not column.filter(bare).str.contains(_BARE).all():
            return None
        columns.append(pl.select(pl.when(~(bare & (column == "null"))).then(column)).to_series())
    return pl.DataFrame(columns)
