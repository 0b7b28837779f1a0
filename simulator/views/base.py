"""What an upstream system serves, and how its rows get dirty.

A view is a pure function of the world: rows of the truth are renamed, coded and dirtied by numbers that depend only
on (seed, system, record, column, kind of dirt), so the same record is dirty in the same way on every day and after
every restart. Dirt that the hub is expected to catch is written down as a *defect*; dirt that leaves a value
plausible (a homophone, another spelling of a door) is what identity resolution has to live with and is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from simulator.world import hashing

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Maker = Callable[[pl.Series, Floats], pl.Series]
"""(values, luck) → spoiled values: `luck` is one number in [0, 1) per row, the same for ever."""
PairMaker = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]
"""(longitudes, latitudes, luck) → spoiled longitudes and latitudes."""

DEFECTS_SCHEMA = {"record_key": pl.String, "column": pl.String, "kind": pl.String}
UNDECODABLE = "\U0010fffd"
"""Stands in a file's text for bytes of no encoding: the writer of the file puts the bytes FF FF in its place."""


@dataclass(frozen=True)
class Served:
    """One stream as its upstream serves it.

    `frame` has the upstream's own columns (a column `__file` names the file that a row is delivered in);
    `changed_at` names the column with the naive local time of the last change, if the upstream has one;
    `defects` (record_key, column, kind) are the planted faults; `people`, `enterprises`, `premises` and `incidents`
    (record_key, …_id) tell whom or what each record truly speaks of. `record_key` is the primary key's served
    values joined by '|'.
    """

    frame: pl.DataFrame
    changed_at: str | None
    defects: pl.DataFrame
    people: pl.DataFrame | None = None
    enterprises: pl.DataFrame | None = None
    premises: pl.DataFrame | None = None
    incidents: pl.DataFrame | None = None

    def truths(self) -> dict[str, pl.DataFrame]:
        """The frames of who is who that this stream has, by kind of entity."""
        kinds = {
            "people": self.people,
            "enterprises": self.enterprises,
            "premises": self.premises,
            "incidents": self.incidents,
        }
        return {kind: frame for kind, frame in kinds.items() if frame is not None}


@dataclass
class Draft:
    """The rows of one stream while they are made dirty: columns by our names, helper columns start with '_'.

    `ids` are the world's ids of the records, aligned with `frame`; they alone decide who is spoiled.
    """

    seed: int
    system: str
    frame: pl.DataFrame
    ids: Ints
    _spoiled: dict[str, Bools] = field(default_factory=dict)
    _defects: list[tuple[str, str, Ints]] = field(default_factory=list)

    def luck(self, *salt: str | int) -> Floats:
        return hashing.uniform(self.ids, self.seed, self.system, *salt)

    def pick(self, share: float, *salt: str | int) -> Bools:
        """Which rows belong to a random `share`."""
        return self.luck(*salt) < share

    def set(self, column: str, values: pl.Series | pl.Expr) -> None:
        """Give a column, by values or an expression over the others."""
        self.frame = self.frame.with_columns(values.alias(column))

    def spoil(
        self,
        column: str,
        share: float,
        what: str,
        maker: Maker,
        *,
        defect: str | None = None,
        judge: Callable[[pl.Series], pl.Series] | None = None,
        among: ArrayLike | None = None,
    ) -> None:
        """Change a random `share` of a column (of the rows `among`); cells already spoiled are left alone.

        With `defect` the changed cells are written down, or those of them that `judge` finds faulty: chance may
        turn a typo into another proper value.
        """
        rows = self._free([column], share, what, among)
        if not len(rows):
            return
        values = maker(self.frame[column].gather(rows), self.luck(column, what, "luck")[rows])
        self._put(column, rows, values)
        if defect is not None:
            faulty = rows if judge is None else rows[judge(values).fill_null(False).to_numpy()]
            self._defects.append((column, defect, faulty))

    def spoil_place(
        self,
        share: float,
        what: str,
        maker: PairMaker,
        *,
        defect: str | None = None,
        among: ArrayLike | None = None,
    ) -> None:
        """The same for the pair of columns `longitude`, `latitude`; the defect is the longitude's."""
        rows = self._free(["longitude", "latitude"], share, what, among)
        if not len(rows):
            return
        lon, lat = (self.frame[name].gather(rows).to_numpy() for name in ("longitude", "latitude"))
        new_lon, new_lat = maker(lon, lat, self.luck("place", what, "luck")[rows])
        self._put("longitude", rows, pl.Series(new_lon))
        self._put("latitude", rows, pl.Series(new_lat))
        if defect is not None:
            self._defects.append(("longitude", defect, rows))

    def served(
        self,
        columns: Mapping[str, str],
        key: Sequence[str],
        *,
        changed_at: str | None = None,
        repeated: float = 0.0,
        text_times: str | None = None,
        unasked: Mapping[str, str] | None = None,
        **truths: str,
    ) -> Served:
        """Finish: `columns` maps our names to the upstream's, in the upstream's order.

        `unasked` maps helper columns to fields that the upstream sends as well and that no contract takes;
        `repeated` of the rows are sent twice; `text_times` is the format in which times are served (native when
        None); `truths` names the helper columns that hold true ids, e.g. people='_resident_id'.
        """
        out = self.frame
        if text_times is not None:
            stamps = [name for name, kind in out.schema.items() if isinstance(kind, pl.Datetime)]
            out = out.with_columns(pl.col(stamps).dt.strftime(text_times))
        keys = out.select(
            record_key=pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in key], separator="|")
        )["record_key"]
        defects = [
            pl.DataFrame({"record_key": keys.gather(rows)}).with_columns(
                column=pl.lit(column, pl.String), kind=pl.lit(kind, pl.String)
            )
            for column, kind, rows in self._defects
            if len(rows)
        ]
        who = {kind: self._truth(keys, kind, helper) for kind, helper in truths.items()}
        rename = {ours: theirs for ours, theirs in {**columns, **(unasked or {})}.items() if ours in out.columns}
        keep = [*columns, *(unasked or {}), *(name for name in out.columns if name.startswith("__"))]
        out = out.select(keep).rename(rename)
        if repeated:
            twice = np.flatnonzero(self.pick(repeated, "repeated"))
            out = pl.concat([out, out[twice]])
            defects.append(
                pl.DataFrame({"record_key": keys.gather(twice)}).with_columns(
                    column=pl.lit("", pl.String), kind=pl.lit("repeated_row", pl.String)
                )
            )
        return Served(
            frame=out,
            changed_at=None if changed_at is None else columns[changed_at],
            defects=pl.concat(defects) if defects else pl.DataFrame(schema=DEFECTS_SCHEMA),
            **who,
        )

    def _free(self, columns: list[str], share: float, what: str, among: ArrayLike | None) -> Ints:
        """Rows to spoil: picked, allowed, filled and not spoiled before."""
        if share <= 0:
            return np.zeros(0, np.int64)
        rows = self.pick(share, *columns, what)
        if among is not None:
            rows &= np.asarray(among, dtype=bool)
        for column in columns:
            taken = self._spoiled.get(column)
            if taken is not None:
                rows &= ~taken
            if self.frame[column].null_count():
                rows &= self.frame[column].is_not_null().to_numpy()
        return np.flatnonzero(rows)

    def _put(self, column: str, rows: Ints, values: pl.Series) -> None:
        series = self.frame[column].clone()
        self.frame = self.frame.with_columns(series.scatter(rows, values.cast(series.dtype)).alias(column))
        self._spoiled.setdefault(column, np.zeros(self.frame.height, dtype=bool))[rows] = True

    def _truth(self, keys: pl.Series, kind: str, helper: str) -> pl.DataFrame:
        name = {"people": "resident_id", "enterprises": "enterprise_id", "incidents": "incident_id"}.get(
            kind, "premises_id"
        )
        pairs = pl.DataFrame({"record_key": keys, name: self.frame[helper].cast(pl.Int64)})
        return pairs.drop_nulls().unique(maintain_order=True)


def draft(seed: int, system: str, stream: str, frame: pl.DataFrame, ids: str) -> Draft:
    """A draft of `frame`, whose column `ids` (kept when it starts with '_') holds the records' ids."""
    return Draft(seed, f"{system}/{stream}", frame, frame[ids].to_numpy().astype(np.int64))


def look_up(rows: pl.DataFrame, table: pl.DataFrame, on: str) -> pl.DataFrame:
    """The columns of `table` beside those of `rows`, whose order stays; null where there is no match."""
    return rows.join(table, on=on, how="left", maintain_order="left")


def constant(value: str | None) -> Maker:
    return lambda values, luck: pl.Series([value], dtype=values.dtype).new_from_index(0, len(values))


def one_of(*options: str) -> Maker:
    """Any of some faulty values."""

    def maker(values: pl.Series, luck: Floats) -> pl.Series:
        return pl.Series(options, dtype=pl.String).gather((luck * len(options)).astype(np.uint32))

    return maker
