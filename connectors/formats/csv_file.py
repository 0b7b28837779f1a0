"""CSV files in the declared encoding: whole blocks to String columns, bad lines apart, memory flat.

A bad line costs itself and not the file: one that does not decode, has too many or too few fields, or a field of
more than 1 MB becomes a `BadRecord`. Only a file that ends in the middle is refused whole (`Truncated`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connectors.contract import Stream
from connectors.errors import ContractViolation, Truncated
from connectors.formats.csv_records import Records, cells, split
from connectors.formats.layout import check_header, codec_of, total_row_marks, visible
from connectors.limits import LONGEST_FIELD
from connectors.protocols.base import BadRecord, Page
from connectors.raw_records import Found, Known, RawRecords, byte_hashes
from connectors.version_runs import Hashes

BLOCK_BYTES: Final = 1 << 20
"""So small because a hostile block (nothing but line ends) costs sixty times its size while it is taken apart."""
MAX_OPEN_BYTES: Final = 3 * BLOCK_BYTES
"""A record that has not ended after so many bytes is not waited for."""

MAX_RAW_RECORDS: Final = 100_000
"""A block of more lines, each of a few bytes, is no register."""
MAX_BAD_LINES: Final = 50_000
"""A file with more lines that cannot be read is not the agreed one: as held rows they would help nobody."""

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_REPLACEMENT: Final = "\ufffd"


class CsvFile:
    """A CSV file with one header line, comma-separated, RFC 4180 quoting.

    `pages()` gives String columns named as in the header (trimmed); empty unquoted fields are null. Blank lines
    and total rows (`source.totalRows`) are no records. `BadRecord.row_no` counts records from 1 after the header.
    """

    def __init__(
        self, path: Path, stream: Stream, encoding: str, page_rows: int = 50_000, known: Known | None = None
    ) -> None:
        self.path = path
        self.total_rows_dropped = 0
        self._stream = stream
        self._codec = codec_of(encoding)
        self._marks = total_row_marks(stream)
        self._page_rows = page_rows
        self._known = known
        self._header: list[str] = []
        self._row_no = 0
        self._bad_lines = 0

    def pages(self) -> Iterator[Page]:
        with self.path.open("rb") as file:
            for block, records, bad in self._blocks(file):
                yield from self._block_pages(block, records, bad)

    def _blocks(self, file: BinaryIO) -> Iterator[tuple[bytes, Records, list[BadRecord]]]:
        """Blocks of whole records; checks the first line as header and the last for truncation."""
        rest, at_start, had_mark, header_taken = b"", True, False, False
        while True:
            read = file.read(BLOCK_BYTES)
            data, last = rest + read, not read
            if at_start:
                at_start, had_mark = False, data.startswith(_UTF8_MARK)
                data = data.removeprefix(_UTF8_MARK)
            if last and data and not data.endswith(b"\n"):
                self._check_tail(data, had_mark)
                data += b"\n"
            records = split(data, codec=self._codec)
            used = int(records.ends[-1]) if len(records) else 0
            if (last and used < len(data)) or len(data) - used > MAX_OPEN_BYTES:
                records = split(data, forgiving=True)
                used = int(records.ends[-1]) if len(records) else 0
            if len(data) - used > MAX_OPEN_BYTES:  # one endless line
                yield data[:used], records, []
                self._row_no += 1
                bad = BadRecord(self._row_no, visible(data[used:], self._codec), "oversized_field")
                self._skip_line(file)
                yield b"", split(b""), [bad]
                rest = b""
                continue
            rest = data[used:]
            if not header_taken and len(records):
                header_taken = True
                self._read_header(data[: int(records.ends[0])], had_mark)
                records = Records(
                    records.starts[1:], records.ends[1:], records.fields[1:], records.orderly, records.tight
                )
            yield data, records, []
            if last:
                break
        if not self._header:
            raise Truncated(f"{self.path.name} is empty", "Ask the owner to send the file again")

    def _skip_line(self, file: BinaryIO) -> None:
        """Move to the next line, block by block, keeping nothing."""
        while read := file.read(BLOCK_BYTES):
            found = read.find(b"\n")
            if found >= 0:
                file.seek(found + 1 - len(read), io.SEEK_CUR)
                return
        raise Truncated(f"{self.path.name} ends in the middle of a line", "Ask the owner to send the file again")

    def _read_header(self, line: bytes, had_mark: bool) -> None:
        hint = ""
        if had_mark and self._codec != "utf-8":
            hint = f"The file carries a UTF-8 mark although {self._codec} is declared: mend `encoding` in the contract"
        try:
            text = line.decode(self._codec)
        except UnicodeDecodeError as error:
            raise ContractViolation(
                f"the header of {self.path.name} is not {self._codec} (byte {error.start})",
                hint or "Ask the owner which encoding is meant and mend `encoding` in the contract",
            ) from None
        names = [name.strip() for name in next(csv.reader([text.rstrip("\r\n")]), [])]
        self._header = check_header(names, self._stream, self.path, hint)

    def _check_tail(self, data: bytes, had_mark: bool) -> None:
        """A last line without line end is a cut one, unless the owner's files end so and it has all its fields.

        A value that was cut is a value as well: only the line end says that the last one is whole.
        """
        complete = split(data)
        used = int(complete.ends[-1]) if len(complete) else 0
        tail = data[used:]
        if not self._header:
            self._read_header(data[: int(complete.ends[0])] if len(complete) else data, had_mark)
        fields = len(cells(tail))
        try:
            first_cell = tail.decode(self._codec).lstrip('"').strip()
        except UnicodeDecodeError:
            fields, first_cell = 0, ""
        unclosed = tail.count(b'"') % 2 == 1
        total = bool(self._marks) and first_cell.startswith(self._marks)
        if (unclosed or fields != len(self._header)) and not total:
            raise Truncated(
                f"{self.path.name} ends in the middle of a line ({fields} of {len(self._header)} fields)",
                "Nothing of it is taken; ask the owner to send the file again",
            )
        if not self._stream.source.get("openEnd"):
            raise Truncated(
                f"{self.path.name} ends without a line end: it may be cut",
                "Nothing of it is taken; ask the owner to send the file again, or set source.openEnd: true in the "
                "contract where the owner's files always end so",
            )

    def _block_pages(self, block: bytes, records: Records, bad: list[BadRecord]) -> Iterator[Page]:
        lengths = records.ends - records.starts
        octets = np.frombuffer(block, dtype=np.uint8)
        blank = (lengths == 1) | ((lengths == 2) & (octets[records.starts] == 13)) if len(records) else lengths < 0
        numbers = self._row_no + np.cumsum(~blank)
        self._row_no += int((~blank).sum())
        good = (records.fields == len(self._header)) & ~blank
        self._count_bad(int((~good & ~blank).sum()))
        for index in np.flatnonzero(~good & ~blank):
            self._reject(block, records, index, numbers, "ragged_line", bad)
        for index in np.flatnonzero(good & (lengths > LONGEST_FIELD)):
            if max(map(len, cells(block[records.starts[index] : records.ends[index]]))) > LONGEST_FIELD:
                good[index] = False
                self._reject(block, records, index, numbers, "oversized_field", bad)
        asked = self._ask(block, records)
        known = good & (asked[1].at >= 0) if asked else np.zeros_like(good)
        good &= ~known
        text = self._decode(block, records, good, numbers, bad)
        frame = self._without_totals(self._parse(text, block, records, good))
        bad.sort(key=lambda record: record.row_no)
        taken = int(lengths.sum())
        raw = None
        if asked:
            frame, raw = self._raw(block, records, good | known, *asked, frame)
        if not known.any() and frame.is_empty() and not bad:
            return
        # What was decoded holds no U+FFFD, and a text has at most twice as many bytes in UTF-8.
        clean = records.tight and int(lengths.max(initial=0)) <= LONGEST_FIELD // 2 and b"\0" not in block
        if raw is not None:
            yield Page(frame, tuple(bad), taken, records=raw, clean=clean)
            return
        yield Page(frame.head(self._page_rows), tuple(bad), taken, clean=clean)
        for part in frame[self._page_rows :].iter_slices(self._page_rows):
            if part.height:
                yield Page(part, clean=clean)

    def _ask(self, block: bytes, records: Records) -> tuple[Hashes, Found] | None:
        """What is known of the lines of a register's block; None where not every line of it is a row of its own."""
        if self._known is None or not records.orderly or self._marks or not 0 < len(records) <= MAX_RAW_RECORDS:
            return None
        if set(self._header) != {column.physical_name for column in self._stream.columns}:
            return None  # what the contract does not know is reported by every load, and so has to be parsed
        offsets = np.concatenate([records.starts[:1], records.ends])
        hashes = byte_hashes(block, offsets, "\n".join([self._codec, *self._header]))
        return hashes, self._known(hashes)

    def _raw(
        self,
        block: bytes,
        records: Records,
        rows: NDArray[np.bool_],
        hashes: Hashes,
        found: Found,
        frame: pl.DataFrame,
    ) -> tuple[pl.DataFrame, RawRecords | None]:
        places = np.flatnonzero(rows)

        def parse(which: NDArray[np.bool_]) -> pl.DataFrame:
            wanted = np.zeros_like(rows)
            wanted[places[which]] = True
            return self._parse(_join(block, records, wanted).decode(self._codec), block, records, wanted)

        key = [column.physical_name for column in self._stream.primary_key]
        raw = RawRecords.of(hashes[rows], found[rows], frame, key, parse)
        return (frame, raw) if raw is not None else (parse(np.ones(len(places), dtype=np.bool_)), None)

    def _count_bad(self, lines: int) -> None:
        self._bad_lines += lines
        if self._bad_lines > MAX_BAD_LINES:
            raise ContractViolation(
                f"{self.path.name} has more than {MAX_BAD_LINES:,} lines that cannot be read",
                "Nothing of it is taken; check the encoding and ask the owner for the agreed file",
            )

    def _reject(
        self,
        block: bytes,
        records: Records,
        index: np.intp,
        numbers: NDArray[np.int64],
        reason: str,
        bad: list[BadRecord],
    ) -> None:
        raw = block[records.starts[index] : records.ends[index]]
        text = visible(raw, self._codec)
        if self._marks and text.lstrip('"').strip().startswith(self._marks):
            self.total_rows_dropped += 1  # total rows often have fewer cells
            return
        bad.append(BadRecord(int(numbers[index]), text, reason))

    def _decode(
        self,
        block: bytes,
        records: Records,
        good: NDArray[np.bool_],
        numbers: NDArray[np.int64],
        bad: list[BadRecord],
    ) -> str:
        """Text of the good records; those that do not decode are cleared from `good`."""
        text = self._text(_join(block, records, good))
        if text is not None:
            return text
        for index in np.flatnonzero(good):  # rare: find the lines one by one
            if self._text(block[records.starts[index] : records.ends[index]]) is None:
                good[index] = False
                self._count_bad(1)
                self._reject(block, records, index, numbers, "undecodable_text", bad)
        return _join(block, records, good).decode(self._codec)

    def _text(self, raw: bytes) -> str | None:
        """`raw` decoded, or None where it is not text (a replacement character was lost text before it came here)."""
        try:
            text = raw.decode(self._codec)
        except UnicodeDecodeError:
            return None
        return None if _REPLACEMENT in text else text

    def _parse(self, text: str, block: bytes, records: Records, good: NDArray[np.bool_]) -> pl.DataFrame:
        schema = dict.fromkeys(self._header, pl.String)
        if not text:
            return pl.DataFrame(schema=schema)
        if records.orderly:
            return pl.read_csv(
                text.encode(), has_header=False, schema=schema, quote_char='"', truncate_ragged_lines=False
            )
        lines = (block[records.starts[index] : records.ends[index]] for index in np.flatnonzero(good))
        rows = [[cell.decode(self._codec) or None for cell in cells(line)] for line in lines]
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _without_totals(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self._marks or frame.is_empty():
            return frame
        first = pl.col(frame.columns[0]).str.strip_chars()
        total = frame.select(pl.any_horizontal(first.str.starts_with(mark) for mark in self._marks).fill_null(False))
        dropped = total.to_series()
        self.total_rows_dropped += int(dropped.sum())
        return frame.filter(~dropped)


def _join(block: bytes, records: Records, good: NDArray[np.bool_]) -> bytes:
    """The bytes of the good records, copied run by run."""
    if not len(records):
        return b""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    runs = zip(edges[0::2], edges[1::2], strict=True)
    return b"".join(block[records.starts[first] : records.ends[stop - 1]] for first, stop in runs)
