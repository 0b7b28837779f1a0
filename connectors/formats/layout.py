"""What all file formats check alike: the header against the contract, the declared encoding, total rows."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from connectors.contract import Stream
from connectors.encodings import ENCODINGS
from connectors.errors import ContractViolation, Permanent
from connectors.formats.fields import MAX_COLUMNS
from connectors.limits import RAW_CHARS
from connectors.protocols.base import Page


class FileReader(Protocol):
    """A file being read: `pages()` once, then the counters are valid."""

    total_rows_dropped: int
    """Rows that summed up others (合计) and so are no records."""

    def pages(self) -> Iterator[Page]: ...


def codec_of(encoding: str) -> str:
    """The Python codec for a declared encoding; only encodings whose bytes < 0x80 outside of a character are ASCII.

    In all of these, comma, quote and line feed never occur inside a multi-byte character, so that the structure of
    a file can be read before its text is decoded.
    """
    try:
        return ENCODINGS[encoding.lower().replace("_", "-")]
    except KeyError:
        remedy = f"Declare one of {', '.join(sorted(ENCODINGS))} in the contract"
        raise Permanent(f"the encoding {encoding!r} cannot be read", remedy) from None


def check_header(header: Sequence[str], stream: Stream, path: Path, hint: str = "") -> list[str]:
    """Unique column names for `header`, after checking that the contract's columns are all there, once.

    Unnamed columns become `column_<n>`, repeated ones outside the contract get `_<n>`; both are kept.
    Raises ContractViolation naming the missing, repeated or too many columns.
    """
    where = f"{path.name} ({stream.system}.{stream.name})"
    if len(header) > MAX_COLUMNS:
        raise ContractViolation(
            f"{where} has {len(header)} columns, more than {MAX_COLUMNS}", "Ask the owner for the agreed file"
        )
    seen = Counter(header)
    wanted = list(dict.fromkeys(column.physical_name for column in stream.columns))
    missing = [name for name in wanted if name not in seen]
    if missing:
        # Where none of the contract's columns is there, the line is no header: it may be a person's record.
        is_header = len(missing) < len(wanted)
        raise ContractViolation(
            f"{where} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"it has {', '.join(header[:40]) if is_header else 'none of the contract, perhaps no header'}",
            hint or "Ask the owner what changed; if it is meant, mend physicalName in the contract",
        )
    repeated = [name for name in wanted if seen[name] > 1]
    if repeated:
        raise ContractViolation(f"{where} has {', '.join(repeated)} more than once", "Ask the owner to mend it")
    names: list[str] = []
    for number, name in enumerate(header, 1):
        unique = name or f"column_{number}"
        names.append(unique if unique not in names else f"{unique}_{number}")
    return names


def total_row_marks(stream: Stream) -> tuple[str, ...]:
    """How the first cell of a total row begins, as the contract says (`source.totalRows`)."""
    return tuple(str(mark) for mark in stream.source.get("totalRows") or ())


def visible(raw: bytes, codec: str) -> str:
    """`raw` as text for a person: undecodable bytes as `\\xNN`, NUL as `\\x00`, cut at a readable length."""
    text = codecs.decode(raw[: RAW_CHARS * 4], codec, "backslashreplace").replace("\x00", "\\x00")
    cut = text[:RAW_CHARS].rstrip("\r\n")
    return f"{cut}… ({len(raw)} bytes)" if len(text) > RAW_CHARS or len(raw) > RAW_CHARS * 4 else cut
