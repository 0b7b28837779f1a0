"""Making a page of received rows obey its contract: accepted rows typed and named ours, rejected rows with reasons.

Works on whole columns. A row is rejected when any of its columns is wrong and must not be; a column that the
contract says to withhold becomes null instead, and the defect is counted. Nothing is dropped: every row that
comes in leaves either in `accepted` or in `rejected`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from operator import and_, or_
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from connectors.contract import Column, Server, Stream
from connectors.errors import ContractViolation
from connectors.limits import LONGEST_FIELD
from connectors.places import place_points
from connectors.refusals import only_described, stand_ins
from connectors.rules import column_dtype, judge

KEY_SEPARATOR = "|"
"""Between the columns of a key; the models join them by it too, so it cannot be another one."""

Outcome = tuple[str, str, str]
"""(column, reason, outcome), the outcome being corrected, withheld or quarantined."""


@dataclass
class Conformed:
    """A page after its contract.

    `accepted` has our columns (typed) and `<name>_raw` where the contract keeps the value as received. `rejected`
    has `row_no` (position in the page), `record_key` (text, may be null), `payload` (JSON text), `reasons`
    (list of `column:reason`), `version_number` (time of change in microseconds, null where it cannot be told) and
    `whole` (the payload is all that was received, so that it can be taken in again). `added` has, row by row of
    `accepted`, the fields that the contract does not know as JSON text, null where there are none. `plain` tells which
    rows of `accepted` obeyed without a remark.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    added: pl.Series | None = None
    added_columns: tuple[str, ...] = ()
    plain: pl.Series | None = None


class Conformer:
    """The rules of one stream, applied to one page after the other."""

    def __init__(self, stream: Stream, server: Server, *, now: datetime | None = None) -> None:
        self.stream = stream
        self.crs = server.crs
        # The column in which we acknowledge rows is ours, though it stands in the upstream's table.
        mine = (server.get("acknowledge") or {}).get("column")
        self._expected = {column.physical_name for column in stream.columns} | ({mine} if mine else set())
        self.timezone: ZoneInfo = server.timezone
        # A change that has not happened yet would freeze the cursor ahead of the data.
        self.horizon = (now or datetime.now(UTC)) + timedelta(days=1)

    def __call__(self, page: pl.DataFrame, *, clean: bool = False) -> Conformed:
        """For `clean` see `protocols.base.Page`.

        Raises `ContractViolation` when a column of the contract is missing from the page altogether.
        """
        if not page.width:
            page = pl.DataFrame(schema={column.physical_name: pl.String for column in self.stream.columns})
        self._check_columns(page)
        page, added = self._known(page)
        marks = _Marks(len(page))
        raws: dict[str, pl.Series] = {}
        values: dict[str, pl.Series] = {}
        texts = page if clean else _texts(page)
        for column in self.stream.columns:
            raws[column.name] = texts.get_column(column.physical_name)
            values[column.name] = self._judge(column, raws[column.name], marks, clean=clean)
        for change in place_points(self.stream.columns, values, self.crs):
            values[change.column] = change.values
            for reason, rows in change.wrong.items():
                marks.wrong(self.stream.column(change.column), reason, rows)
            for reason, rows in change.corrected.items():
                marks.corrected(change.column, reason, rows)
        return self._split(page, values, raws, marks, added)

    def _check_columns(self, page: pl.DataFrame) -> None:
        missing = [c.physical_name for c in self.stream.columns if c.physical_name not in page.columns]
        if missing:
            raise ContractViolation(
                f"{self.stream.system}.{self.stream.name}: the upstream no longer sends {', '.join(missing)}",
                "Ask the owner whether the column was renamed, then mend the contract; nothing was landed",
            )

    def _judge(self, column: Column, texts: pl.Series, marks: _Marks, *, clean: bool) -> pl.Series:
        nested = stand_ins(texts) if self.stream.refusals else None
        if nested is not None and nested.any():
            marks.wrong(column, "nested_value", nested, always=True)
            texts = _nulled(texts, nested)
        judged = judge(texts, column, self.timezone)
        # What became a number, a time or a code cannot have held anything unreadable.
        if not clean and (_keeps_text(column) or any(rows.any() for rows in judged.wrong.values())):
            texts, unreadable = _readable(texts)
            for reason, rows in unreadable.items():
                marks.wrong(column, reason, rows, always=True)
            if unreadable:
                judged = judge(texts, column, self.timezone)
        for reason, rows in judged.wrong.items():
            marks.wrong(column, reason, rows)
        values = judged.values
        wrong = [*judged.wrong.values(), *([nested] if nested is not None else [])]
        if column.bounds != (None, None):
            inside = _inside(values, *column.bounds)
            if not inside.all():
                outside = ~inside.fill_null(True)
                marks.wrong(column, "out_of_range", outside)
                wrong.append(outside)
                values = _nulled(values, outside)
        if self.stream.cursor is not None and column.name == self.stream.cursor.name:
            marks.wrong(column, "future_cursor", values > self.horizon)
        if len(self.stream.primary_key) > 1 and column.primary_key and values.dtype == pl.String:
            # Joined to one text, ("A|1", "2") and ("A", "1|2") would be one record.
            marks.wrong(column, "separator_in_key", values.str.contains(KEY_SEPARATOR, literal=True), always=True)
        if column.required and values.null_count():
            # A placeholder that stands for nothing (a telephone number of "无") is as missing as a blank.
            marks.wrong(column, "missing_required", values.is_null() & ~_any_of(wrong, len(values)), always=True)
        return values.rename(column.name)

    def _split(
        self,
        page: pl.DataFrame,
        values: dict[str, pl.Series],
        raws: dict[str, pl.Series],
        marks: _Marks,
        added: tuple[str, ...],
    ) -> Conformed:
        columns = list(values.values())
        columns += [raws[c.name].rename(f"{c.name}_raw") for c in self.stream.columns if c.keeps_raw]
        typed = pl.DataFrame(columns)
        if not marks.any_rejected:
            fields = self._fields(page, added)
            return Conformed(typed, empty_rejects(), marks.outcomes, fields, added, ~marks.touched)
        rejected_rows = marks.rejected.arg_true()
        rejected = pl.DataFrame(
            {
                "row_no": rejected_rows.cast(pl.Int64),
                "record_key": record_keys(typed, self.stream)[rejected_rows],
                "payload": payloads(page[rejected_rows]),
                "reasons": marks.reasons(rejected_rows),
                "version_number": self._numbers(typed[rejected_rows]),
                "whole": [True] * len(rejected_rows),
            },
            schema=REJECTED_SCHEMA,
        )
        accepted = typed.filter(~marks.rejected)
        fields = self._fields(page.filter(~marks.rejected), added)
        plain = (~marks.touched).filter(~marks.rejected)
        return Conformed(accepted, rejected, marks.outcomes, fields, added, plain)

    def _known(self, page: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
        """The page as far as it may be kept, and the names of the columns that the contract does not know."""
        if self.stream.refusals:
            return only_described(page, self.stream, self._expected)
        return page, tuple(name for name in page.columns if name not in self._expected)

    def _fields(self, page: pl.DataFrame, added: tuple[str, ...]) -> pl.Series | None:
        """What the upstream sends beyond the contract; the names alone where the values may not be kept."""
        if not added or self.stream.isolated or self.stream.refusals:
            return None
        extra = page.select(added)
        some = extra.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
        return pl.select(pl.when(some).then(payloads(extra))).to_series()

    def _numbers(self, rows: pl.DataFrame) -> pl.Series:
        """The time of change of rejected rows, as `versions.version_numbers` counts it; null where it is unknown."""
        if self.stream.cursor is None:
            return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(rows))
        times = rows.get_column(self.stream.cursor.name)
        return _without_future(times, self.horizon).to_physical().cast(pl.Int64)


REJECTED_SCHEMA: dict[str, pl.DataType] = {
    "row_no": pl.Int64(),
    "record_key": pl.String(),
    "payload": pl.String(),
    "reasons": pl.List(pl.String()),
    "version_number": pl.Int64(),
    "whole": pl.Boolean(),
}


_NO_REJECTS = pl.DataFrame(schema=REJECTED_SCHEMA)


def empty_rejects() -> pl.DataFrame:
    return _NO_REJECTS.clone()


def record_keys(frame: pl.DataFrame, stream: Stream) -> pl.Series:
    """The primary key as text, columns joined by `|`, null where a part is missing.

    No part of an accepted row's key of several columns holds the separator: see `separator_in_key`.
    """
    parts = [key_text(frame.get_column(column.name)) for column in stream.primary_key]
    if len(parts) == 1:
        return parts[0]
    return pl.select(pl.concat_str(parts, separator=KEY_SEPARATOR)).to_series()


def key_text(values: pl.Series) -> pl.Series:
    """A key part as text; times in UTC with six digits of fraction, as the models write them too."""
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return values.cast(pl.String)


def payloads(rows: pl.DataFrame) -> pl.Series:
    """Rows as received, each as one JSON object; U+0000 written as its escape, which text columns can hold."""
    return rows.select(
        pl.struct(pl.all()).struct.json_encode().str.replace_all("\x00", "\\u0000", literal=True)
    ).to_series()


class _Marks:
    """Which rows are rejected and why; counts of every defect and what became of it."""

    def __init__(self, height: int) -> None:
        self.rejected = pl.Series(np.zeros(height, dtype=np.bool_))
        self.any_rejected = False
        self.touched = self.rejected
        """Rows with any defect, whatever became of it."""
        self.outcomes: Counter[Outcome] = Counter()
        self._masks: list[tuple[str, pl.Series]] = []

    def wrong(self, column: Column, reason: str, rows: pl.Series, *, always: bool = False) -> None:
        """Rows whose value is wrong (null is not); rejected unless the contract withholds it (`always` overrides)."""
        count = int(rows.sum() or 0)
        if not count:
            return
        rows = rows.fill_null(False)
        self.touched = self.touched | rows
        if column.on_invalid == "withhold" and not always:
            self.outcomes[(column.name, reason, "withheld")] += count
            return
        self.outcomes[(column.name, reason, "quarantined")] += count
        self.rejected |= rows
        self.any_rejected = True
        self._masks.append((f"{column.name}:{reason}", rows))

    def corrected(self, column: str, reason: str, rows: pl.Series) -> None:
        if count := int(rows.sum() or 0):
            self.touched = self.touched | rows
            self.outcomes[(column, reason, "corrected")] += count

    def reasons(self, rows: pl.Series) -> pl.Series:
        """For each of the given rows the list of its reasons."""
        named = pl.DataFrame({name: mask[rows] for name, mask in self._masks})
        return named.select(
            pl.concat_list([pl.when(pl.col(name)).then(pl.lit(name)) for name in named.columns]).list.drop_nulls()
        ).to_series()


def _texts(page: pl.DataFrame) -> pl.DataFrame:
    """What was received without surrounding blanks; an empty text is no value.

    All columns in few steps: one by one the steps themselves would cost more than the work.
    """
    texts = page.with_columns(pl.all().str.strip_chars())
    shortest = texts.select(pl.all().str.len_bytes().min()).row(0) if texts.width else ()
    blank = [name for name, length in zip(texts.columns, shortest, strict=True) if length == 0]
    return texts.with_columns(pl.when(pl.col(name) != "").then(name).alias(name) for name in blank) if blank else texts


def _keeps_text(column: Column) -> bool:
    return not column.codes and (column.keeps_raw or column_dtype(column) == pl.String)


def _readable(texts: pl.Series) -> tuple[pl.Series, dict[str, pl.Series]]:
    """Texts that may be read further, and the rows that may not: too large, with U+0000, lost in decoding."""
    if _all_readable(texts):
        return texts, {}
    found = {
        "oversized_field": texts.str.len_bytes() > LONGEST_FIELD,
        "nul_character": texts.str.contains("\x00", literal=True),
        "undecodable_text": texts.str.contains("\ufffd", literal=True),
    }
    unreadable = {reason: rows.fill_null(False) for reason, rows in found.items() if rows.any()}
    for rows in unreadable.values():
        texts = _nulled(texts, rows)
    return texts, unreadable


def _all_readable(texts: pl.Series) -> bool:
    """A look at the bytes of all texts at once, which is four times cheaper than one at each text."""
    _, offsets, data = texts.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()
    if data is None:
        return True
    if data.size > LONGEST_FIELD and np.diff(np.frombuffer(offsets, dtype=np.int64)).max(initial=0) > LONGEST_FIELD:
        return False
    octets = data.to_pybytes()
    return b"\x00" not in octets and b"\xef\xbf\xbd" not in octets


def _without_future(times: pl.Series, horizon: datetime) -> pl.Series:
    """A time of change that has not come yet orders nothing: no good version could ever be newer."""
    return _nulled(times, (times > horizon).fill_null(False))


def _any_of(masks: Iterable[pl.Series], height: int) -> pl.Series:
    return reduce(or_, masks, pl.repeat(False, height, dtype=pl.Boolean, eager=True))


def _inside(values: pl.Series, low: float | None, high: float | None) -> pl.Series:
    if isinstance(values.dtype, pl.Decimal):
        # Sums are compared exactly; with a float, infinite or not, they cannot be compared at all.
        least, most = (None if limit is None else Decimal(str(limit)) for limit in (low, high))
        return _between(values, least, most)
    return _between(values, low, high)


def _between(values: pl.Series, least: object, most: object) -> pl.Series:
    limits = [values >= least] if least is not None else []
    limits += [values <= most] if most is not None else []
    return reduce(and_, limits)


def _nulled(values: pl.Series, rows: pl.Series) -> pl.Series:
    return pl.select(pl.when(~rows).then(values)).to_series()
