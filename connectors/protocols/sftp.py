"""Files from an SFTP drop directory (CSV, Excel, GeoJSON).

`changes` streams take every matching file that is new or has new content, by name; `snapshot` streams take the
newest file (greatest name: names carry the date). A file with the content that was read before gives no rows and
is not taken for a complete snapshot, so that nothing vanishes by it.

A writer that pauses leaves a file that looks whole. One that was written to of late is looked at again after a minute,
unless the contract says that its owner gives files their names when they are finished (`finished: renamed`).

Without a cursor the order of the names is all that tells which of two rows is newer. So behind a file that is read
again, or that came late, all later ones are read again: what they say stands, as if all had come in order.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from connectors.contract import Stream
from connectors.errors import ContractViolation, Permanent, Retriable
from connectors.formats.csv_file import CsvFile
from connectors.formats.excel_file import ExcelFile
from connectors.formats.geojson_file import GeoJsonFile
from connectors.formats.layout import FileReader
from connectors.protocols.async_thread import AsyncThread
from connectors.protocols.base import Page, Pull
from connectors.protocols.sftp_drop import Drop, Entry
from warehouse.settings import settings

FORMATS: Final[dict[str, Callable[[Path, Stream, str, int], FileReader]]] = {
    "csv": CsvFile,
    "excel": ExcelFile,
    "geojson": GeoJsonFile,
}
STALE_WORK_SECONDS: Final = 86_400
STILL_SECONDS: Final = 60
"""A file that is the same after so long is finished."""
OLD_SECONDS: Final = 660
"""So old by our clock it has been still for as long, though the server's clock be ten minutes slow."""


def wanted(stream: Stream, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Those files of a drop directory (in the order of their names) that a pull of the stream looks at."""
    return entries[-1:] if stream.load == "snapshot" else entries


def unread(stream: Stream, entries: Sequence[Entry], state: Mapping[str, Any]) -> bool:
    """Whether the next pull of the stream has a file to read. `state`: that of its committed cursor."""
    known = state.get("files", {})
    return not all(entry.name in known and _untouched(entry, known[entry.name]) for entry in wanted(stream, entries))


def _untouched(entry: Entry, seen: Sequence[Any]) -> bool:
    return list(seen[:2]) == [entry.size, entry.mtime]


def _age(entry: Entry) -> float:
    """Seconds since a file was written to, as far as the server's clock is right."""
    return time.time() - entry.mtime


class SftpExtraction:
    """State: `files` name → [size, mtime, sha256] of what was read, and True where it was so young that it may be
    replaced within the second of its mtime; `newest_file` the latest mtime (epoch seconds); `total_rows_dropped`
    in this pull; `lasting.last` the greatest name ever read."""

    def __init__(self, pull: Pull, drop: Drop, work: Path) -> None:
        self.state: dict[str, Any] = {}
        self.complete = False
        self.source_time: datetime | None = None
        self._pull = pull
        self._drop = drop
        self._work = work
        self._last = max([str(pull.state.get("lasting", {}).get("last", "")), *pull.state.get("files", {})])
        kind = str(pull.stream.source.get("format", ""))
        if kind not in FORMATS:
            raise Permanent(
                f"{pull.stream.system}.{pull.stream.name}: the file format {kind!r} cannot be read",
                f"Set source.format to one of {', '.join(FORMATS)}",
            )
        self._format = FORMATS[kind]

    def pages(self) -> Iterator[Page]:
        stream = self._pull.stream
        entries = self._drop.entries(stream.physical_name)
        if not entries:
            raise Retriable(
                f"no file {stream.physical_name} lies in the drop directory of {stream.system}",
                "Ask the owner when the file will be sent",
            )
        known: dict[str, list[Any]] = self._pull.state.get("files", {})
        self._see_still([e for e in wanted(stream, entries) if not (e.name in known and _untouched(e, known[e.name]))])
        files: dict[str, list[Any]] = {}
        dropped, read_any = 0, False
        for entry in wanted(stream, entries):
            seen = known.get(entry.name)
            later = read_any and stream.cursor is None  # than a file that is read in this pull
            if seen and _untouched(entry, seen) and not seen[3:] and not later:
                files[entry.name] = seen
                continue
            path = self._work / entry.name
            hurried = [True] if _age(entry) < STILL_SECONDS else []
            digest = self._drop.fetch(entry, path)
            if later or not seen or seen[2] != digest:
                self._in_order(entry, entries)
                reader = self._reader(path)
                yield from reader.pages()
                dropped += reader.total_rows_dropped
                read_any = True
            path.unlink()
            files[entry.name] = [entry.size, entry.mtime, digest, *hurried]
        newest = max(entry.mtime for entry in entries)
        self.source_time = datetime.fromtimestamp(newest, UTC)
        last = max(self._last, *files)
        self.state = {"files": files, "newest_file": newest, "total_rows_dropped": dropped, "lasting": {"last": last}}
        self.complete = stream.load == "snapshot" and read_any

    def _see_still(self, entries: Sequence[Entry]) -> None:
        """Raise Retriable when one of the files to be read is still being written."""
        fresh = [entry for entry in entries if _age(entry) < OLD_SECONDS]
        if not fresh or self._pull.stream.source.get("finished") == "renamed":
            return
        time.sleep(STILL_SECONDS)
        now = self._drop.entries(self._pull.stream.physical_name)
        for entry in fresh:
            if entry not in now:
                raise Retriable(f"{entry.name} is still being written", "Tried again later")

    def _in_order(self, entry: Entry, entries: Sequence[Entry]) -> None:
        """Raise ContractViolation where later rows than those of a file were taken from one that is gone."""
        stream = self._pull.stream
        if stream.load == "snapshot" or stream.cursor is not None or entry.name >= self._last:
            return
        if self._last not in {other.name for other in entries}:
            raise ContractViolation(
                f"{stream.system}.{stream.name}: {entry.name} came after {self._last}, which lies there no more: old "
                "rows would replace newer ones",
                f"Ask the owner to put {self._last} back, or to take {entry.name} away",
            )

    def _reader(self, path: Path) -> FileReader:
        given = path, self._pull.stream, self._pull.server.encoding, self._pull.page_rows
        return CsvFile(*given, self._pull.known) if self._format is CsvFile else self._format(*given)

    def acknowledge(self) -> None:
        """Drop directories are the owner's: nothing is moved or deleted there."""


@contextmanager
def open_extraction(pull: Pull) -> Iterator[SftpExtraction]:
    """Open the drop directory of `pull.server`; downloads live in a temporary folder under TOWNHUB_HOME/work."""
    root = settings().home / "work"
    root.mkdir(parents=True, exist_ok=True)
    _remove_stale(root)
    with tempfile.TemporaryDirectory(prefix="sftp-", dir=root) as work, AsyncThread("sftp") as thread:
        drop = Drop(pull.server, thread, probing=pull.probing)
        try:
            yield SftpExtraction(pull, drop, Path(work))
        finally:
            drop.close()


def _remove_stale(root: Path) -> None:
    """Folders of pulls that were killed hold personal data: they do not stay."""
    for folder in root.glob("sftp-*"):
        with suppress(FileNotFoundError):  # of another pull, which ended since it was listed
            if time.time() - folder.stat().st_mtime > STALE_WORK_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
