"""The catalogue of upstream systems as a page of the handbook, made from the contracts and from nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from connectors.contract import UNIT_SECONDS, Column, Contract, Stream, Values
from orchestration.environment import REPOSITORY

PAGE = REPOSITORY / "docs" / "systems.md"


def in_order(contracts: Iterable[Contract]) -> list[Contract]:
    """By their number in the town's catalogue; those without one at the end, by id."""
    return sorted(contracts, key=lambda contract: (contract.number is None, contract.number or 0, contract.id))


def every(seconds: int) -> str:
    """A cadence in words: every day, every 15 minutes."""
    told = span(seconds)
    return f"every {told.removeprefix('1 ')}" if told.startswith("1 ") else f"every {told}"


def span(seconds: int) -> str:
    """A length of time in the largest unit that divides it: 90 minutes, 2 days, 3 years (whole `UNIT_SECONDS`)."""
    unit, length = next((name, size) for name, size in reversed(UNIT_SECONDS.items()) if seconds % size == 0)
    count = seconds // length
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def page(contracts: Collection[Contract]) -> str:
    """The whole page: an overview, then each system with its streams and columns."""
    ordered = in_order(contracts)
    streams = sum(len(contract.streams) for contract in ordered)
    columns = sum(len(stream.columns) for contract in ordered for stream in contract.streams.values())
    lines = [
        "# The upstream systems",
        "",
        "Made from `connectors/systems/*.odcs.yaml` by `townhub systems docs`; do not edit.",
        "",
        f"{len(ordered)} systems, {streams} streams, {columns:,} columns. Classes: L1 (open) to L4 (most sensitive); "
        "\\* is sensitive personal information.",
        "",
        *table(
            ("No.", "System", "Name", "Owner", "Shape", "Cadence", "Class", "Enabled"),
            ((
                str(contract.number or ""),
                f"[{contract.id}](#{contract.id})",
                contract.name,
                contract.owner,
                _shapes(contract),
                every(contract.cadence_seconds),
                _class(column for stream in contract.streams.values() for column in stream.columns),
                "yes" if contract.enabled else "no",
            ) for contract in ordered),
        ),
    ]  # fmt: skip
    for contract in ordered:
        lines += ["", *_system(contract)]
    return "\n".join((*lines, ""))


def _system(contract: Contract) -> Iterator[str]:
    yield f"## {contract.id}"
    yield ""
    number = f"No. {contract.number}, " if contract.number else ""
    yield f"**{cell(contract.name)}** ({number}{cell(contract.owner)}). {contract.purpose}"
    if contract.limitations:
        yield ""
        yield f"Limits: {contract.limitations}"
    yield ""
    yield f"- Legal basis `{contract.legal_basis}`; may serve {', '.join(f'`{p}`' for p in contract.purposes)}."
    yield (
        f"- {_shapes(contract)}, {every(contract.cadence_seconds)}, fresh within {span(contract.freshness_seconds)}, "
        f"kept for {span(contract.retention_days * 86_400)}."
    )
    if not contract.enabled:
        yield "- Disabled: nothing is taken in."
    if contract.isolated:
        yield "- Isolated: no model reads it."
    for stream in contract.streams.values():
        yield ""
        yield from _stream(contract, stream)


def _values(values: Values) -> str:
    return " and ".join(f"`{name}` is {'null' if value is None else value}" for name, value in values.items())


def _stream(contract: Contract, stream: Stream) -> Iterator[str]:
    cursor = f" by `{stream.cursor.name}`" if stream.cursor else ""
    expires = f", kept from `{stream.expires.name}` on" if stream.expires else ""
    if stream.stands_while:
        expires += f", and while {' or '.join(map(_values, stream.stands_while))}"
    quiet = f", never quiet for more than {span(stream.quiet_days * 86_400)}" if stream.quiet_days else ""
    asked = "; asked value by value" if "lookup" in stream.source else ""
    stands = f", an answer stands for {span(stream.max_age_days * 86_400)}" if stream.max_age_days else ""
    yield f"### {contract.id}.{stream.name}"
    yield ""
    yield (
        f"`{stream.physical_name}`: {stream.grain or 'one row per record'}. Load: {stream.load}{cursor}{quiet}{expires}"
        f"{asked}{stands}."
    )
    yield ""
    yield from table(
        ("Column", "At the source", "Type", "Standard", "Class", "Notes"),
        (
            (
                f"`{column.name}`",
                column.physical_name,
                column.logical_type,
                column.semantic_type or "",
                f"{column.classification}{'*' if column.sensitive else ''}",
                "; ".join(_notes(column)),
            )
            for column in stream.columns
        ),
    )


def _notes(column: Column) -> Iterator[str]:
    if column.primary_key:
        yield "key"
    elif column.required:
        yield "required"
    if column.codes:
        yield f"codes: {', '.join(dict.fromkeys(column.codes.values()))}"
    if column.unit:
        yield f"in {column.unit}"
    if column.on_invalid == "withhold":
        yield "withheld if invalid"
    if column.purposes:
        yield f"only for {', '.join(column.purposes)}"


def _class(columns: Iterable[Column]) -> str:
    """The highest class of the columns, with the mark of sensitive ones."""
    listed = list(columns)
    return f"{max(column.classification for column in listed)}{'*' if any(c.sensitive for c in listed) else ''}"


def _shapes(contract: Contract) -> str:
    return ", ".join(sorted({server.protocol for server in contract.servers.values()}))


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of Markdown."""
    headings = list(headings)
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(cell(text) for text in row)} |"


def cell(text: str) -> str:
    """A text that cannot break the table or become HTML."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("\n", " ")
