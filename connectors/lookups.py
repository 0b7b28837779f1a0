"""Which values of a look-up are asked in a pull: those whose answer does not stand.

An upstream that is asked person by person is not asked about everybody on every pass: the contract says for how many
days an answer stands (`source.lookup.maxAgeDays`). It stands when every row of it was good, for as long as all its
records are landed; a value that is new, was answered by nothing or by a row in quarantine, or whose records are gone,
is asked at once. Each value has its own day of the cycle, so that every day about as many are asked again.

A value that is not asked is no row of the load, and its records stay as they are: a look-up is never complete, so
absence deletes nothing. Values are kept as hashes, like the keys of records, and only those that are wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl
import psycopg
from psycopg import sql

from connectors.contract import Stream
from connectors.copy_binary import BinaryCopy, hash_bytes
from connectors.protocols.base import Answered
from connectors.tables import table_of
from connectors.version_runs import Hashes
from connectors.versions import hash_texts

_EPOCH: Final = date(1970, 1, 1).toordinal()
_NEVER: Final = -(2**31)
Days = npt.NDArray[np.int64]
"""Days since 1970-01-01."""


def due(values: Hashes, answered: Days, today: int, max_age: int) -> npt.NDArray[np.bool_]:
    """Which values are to be asked: not answered since their own day of the cycle came last.

    An answer of a day to come says that a clock was wrong, and does not stand.
    """
    turn = (values[:, 0] % np.uint64(max_age)).astype(np.int64)
    came = today - (today - turn) % max_age
    return (answered < came) | (answered > today)


@dataclass
class Lookups:
    """The values of one pull: what is asked, and which answers stand after it.

    `due` is called where the source is asked, `judge` with each batch of what it answered, `keep` in the transaction
    of the load.
    """

    stream: Stream
    today: date
    _known: dict[bytes, int]
    """By value: the day on which it was answered; `_NEVER` where a record of the answer is gone."""

    @classmethod
    def begin(cls, conn: psycopg.Connection, stream: Stream, today: date, *, afresh: bool) -> Lookups:
        """With `afresh` no answer stands: everything is asked."""
        rows = conn.execute(
            sql.SQL(
                """SELECT a.value, min(a.answered_on), bool_and(t._key IS NOT NULL)
                     FROM control.lookup_answer a LEFT JOIN {} t ON t._key = a.record AND t._to_load IS NULL
                    WHERE (a.system, a.stream) = (%s, %s) GROUP BY a.value"""
            ).format(table_of(stream)),
            [stream.system, stream.name],
        ).fetchall()
        known = {v.bytes: day.toordinal() - _EPOCH if whole and not afresh else _NEVER for v, day, whole in rows}
        return cls(stream, today, known)

    def __post_init__(self) -> None:
        self._wanted: list[bytes] = []
        self._asked: list[bytes] = []
        self._answers: list[tuple[Hashes, Hashes]] = []
        self._standing = 0

    def due(self, values: list[str]) -> list[str]:
        """Those of the wanted values that are to be asked, in their order."""
        hashes = hash_texts(pl.Series(values, dtype=pl.String))
        self._wanted = hash_bytes(hashes)
        days = self.stream.max_age_days
        asked = np.ones(len(values), dtype=np.bool_)
        if days is not None:
            answered = np.array([self._known.get(value, _NEVER) for value in self._wanted], dtype=np.int64)
            asked = due(hashes, answered, self.today.toordinal() - _EPOCH, days)
        chosen = np.flatnonzero(asked)
        self._asked = [self._wanted[at] for at in chosen]
        return [values[at] for at in chosen]

    def judge(self, answers: tuple[Answered, ...], rejected: pl.Series, records: Hashes) -> None:
        """Note the answers of a batch that stand: all rows good, and at least one.

        `rejected` are the positions of the batch's rejected rows, `records` the keys of the others, in order.
        """
        rows = np.array([answer.rows for answer in answers], dtype=np.intp)
        of_row = np.repeat(np.arange(len(answers)), rows)
        accepted = np.ones(len(of_row), dtype=np.bool_)
        accepted[rejected.to_numpy()] = False
        stands = np.array([not answer.bad for answer in answers], dtype=np.bool_) & (rows > 0)
        stands[of_row[~accepted]] = False
        kept = stands[of_row[accepted]]
        values = hash_texts(pl.Series([answer.value for answer in answers], dtype=pl.String))
        self._answers.append((values[of_row[accepted]][kept], records[kept]))
        self._standing += int(stands.sum())

    def keep(self, conn: psycopg.Connection, load_id: int) -> dict[str, int]:
        """Enter which answers stand now, in the load's transaction; the load's note of it."""
        gone = [*(set(self._known) - set(self._wanted)), *(set(self._known) & set(self._asked))]
        where = [self.stream.system, self.stream.name]
        if gone:
            conn.execute(
                "DELETE FROM control.lookup_answer WHERE (system, stream) = (%s, %s) AND value = ANY (%s::uuid[])",
                [*where, [value.hex() for value in gone]],
            )
        if self.stream.max_age_days is not None and self._standing:
            self._copy(conn, load_id)
        return {"wanted": len(self._wanted), "asked": len(self._asked), "answered_well": self._standing}

    def _copy(self, conn: psycopg.Connection, load_id: int) -> None:
        pairs = np.unique(np.concatenate([np.concatenate(pair, axis=1) for pair in self._answers]), axis=0)
        frame = pl.DataFrame({"load_id": np.full(len(pairs), load_id, dtype=np.int64)}).with_columns(
            system=pl.lit(self.stream.system), stream=pl.lit(self.stream.name), answered_on=pl.lit(self.today)
        )
        columns = ", ".join([*frame.columns, "value", "record"])
        encoder = BinaryCopy()
        with conn.cursor().copy(f"COPY control.lookup_answer ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(encoder.encode(frame, {"value": pairs[:, :2], "record": pairs[:, 2:]}))
            copy.write(encoder.finish())
