"""From a published value down to the rows behind it: the release, its verdicts and inputs, the rules, the landed rows.

It works for every product of `quality.families` by what every product says of itself: its key, the keys of entities
that it names, its family's inputs. The rows behind a row are looked for among those inputs alone, and are
 (a) what its own evidence names by record key, wherever in the row that stands;
 (b) the records of the entities that it names, as resolution had linked them when the candidate was judged;
 (c) rows that carry the product's key under the same name, unless the key is a person's.
A landed row that carries a key column of the product with another value is not behind it. Values are whole: who prints
them masks them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from connectors.contract import Contract, Stream
from quality import rule_words, source_rows
from quality.families import FAMILIES, Family, Input, Product
from quality.source_rows import SourceRow
from warehouse import published
from warehouse.errors import ReleaseError
from warehouse.published import Rows, Shown, Version

SHORT_NAMES = {"premises": "premises_risk", "grid": "grid_risk", "welfare": "welfare_match"}
ROWS = 20
"""So many rows of a product are explained at once."""
SOURCES = 50
"""So many landed rows of one stream are listed behind one row."""
_NAMED = re.compile(r"(?=.*\d).{3,80}")


class NothingToExplain(LookupError):
    """There is no such product, key or row; the message says what to ask instead."""


@dataclass(frozen=True)
class ExplainedRow:
    """A row as it was shown. `cut` are streams of which more rows are behind it than are listed."""

    key: dict[str, Any]
    row: dict[str, Any]
    since_release: int
    rules: Rows
    sources: list[SourceRow]
    cut: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Rows of a product in one release, with why that release was let through. `more`: rows that are not explained."""

    product: Product
    release: Shown
    verdicts: Rows
    inputs: Rows
    rows: list[ExplainedRow]
    more: int


def product_named(name: str) -> tuple[Family, Product]:
    """A product by its name or its short name. Raises NothingToExplain with those there are."""
    wanted = SHORT_NAMES.get(name, name)
    for family in FAMILIES.values():
        for product in family.products:
            if product.name == wanted:
                return family, product
    known = ", ".join(sorted(product.name for family in FAMILIES.values() for product in family.products))
    short = ", ".join(f"{short} ({name})" for short, name in SHORT_NAMES.items())
    raise NothingToExplain(f"there is no product {name!r}: explain {known}, by short name {short}, or resident KEY")


def explain(
    conn: psycopg.Connection,
    contracts: Mapping[str, Contract],
    name: str,
    keys: Sequence[str],
    day: date | None = None,
) -> Explanation:
    """Why a product says what it says of a key, now or at the end of a day (role auditor).

    `keys` in the order of the key columns; the last ones may be left out, and the first may be the key of an entity
    that the row names, also an old one. Raises NothingToExplain, ReleaseError.
    """
    family, product = product_named(name)
    release = published.shown(conn, family.name, day)
    release.refuse_purged()
    found = _find(conn, product, keys)
    standing = [version for version in found if version.stands_in(release.release_id)]
    if not standing:
        raise NothingToExplain(_nothing(conn, product, found, release))
    return _explained(conn, contracts, family, product, release, standing)


def explain_entity(
    conn: psycopg.Connection, contracts: Mapping[str, Contract], key: str, day: date | None = None
) -> list[Explanation]:
    """What every product that names an entity says of it; families of which nothing was shown then are left out."""
    found = []
    purged: Shown | None = None
    same = published.aliases(conn, key)[1]
    for family in FAMILIES.values():
        for product in family.products:
            if not product.identity_columns:
                continue
            try:
                release = published.shown(conn, family.name, day)
            except ReleaseError:
                continue
            if release.purged_at is not None:
                purged = release
                continue
            versions = _of_entity(conn, product, same)
            standing = [version for version in versions if version.stands_in(release.release_id)]
            if standing:
                found.append(_explained(conn, contracts, family, product, release, standing))
    if not found and purged is not None:
        purged.refuse_purged()  # nobody can tell any more whether it named the entity
    return found


def _explained(
    conn: psycopg.Connection,
    contracts: Mapping[str, Contract],
    family: Family,
    product: Product,
    release: Shown,
    versions: list[Version],
) -> Explanation:
    inputs = published.inputs(conn, release.candidate_id, family.inputs)
    for each in inputs:
        contract = contracts.get(each["system"])
        each |= {
            "owner": contract.owner if contract else None,
            "legal_basis": contract.legal_basis if contract else None,
        }
    judged_at = conn.execute(
        "SELECT created_at FROM control.candidate WHERE candidate_id = %s", [release.candidate_id]
    ).fetchone()
    behind = _Behind(conn, contracts, family, product, {(e["system"], e["stream"]): e["load_id"] for e in inputs})
    rows = []
    for version in sorted(versions, key=lambda version: [str(version.row[column]) for column in product.key_columns])[
        :ROWS
    ]:
        sources, cut = behind(version.row, judged_at[0] if judged_at else None)
        rules = rule_words.of_row(conn, version.row, release.as_of)
        key = {column: version.row[column] for column in product.key_columns}
        rows.append(ExplainedRow(key, version.row, version.from_release, rules, sources, cut))
    verdicts = published.verdicts(conn, release.candidate_id)
    return Explanation(product, release, verdicts, inputs, rows, max(0, len(versions) - ROWS))


def _find(conn: psycopg.Connection, product: Product, keys: Sequence[str]) -> list[Version]:
    """All versions of the rows that are meant, also of earlier releases."""
    if not 1 <= len(keys) <= len(product.key_columns):
        raise NothingToExplain(
            f"a row of {product.name} is named by {' '.join(column.upper() for column in product.key_columns)}"
        )
    rest = dict(zip(product.key_columns[1:], keys[1:], strict=False))
    found = published.released(conn, product.name, {product.key_columns[0]: keys[0], **rest})
    same = published.aliases(conn, keys[0])[1]
    return found + [version for version in _of_entity(conn, product, same, rest) if version not in found]


def _of_entity(
    conn: psycopg.Connection, product: Product, same: Sequence[str], rest: Mapping[str, str] | None = None
) -> list[Version]:
    return [
        version
        for column in product.identity_columns
        for key in same
        for version in published.released(conn, product.name, {column: key, **(rest or {})})
    ]


def _nothing(conn: psycopg.Connection, product: Product, found: Sequence[Version], release: Shown) -> str:
    """What to ask instead, without the key: it may be a number that somebody mistook for one."""
    if not found:
        named = " ".join(column.upper() for column in product.key_columns)
        also = f"; the first may be a {' or '.join(product.identity_columns)}" if product.identity_columns else ""
        return f"no release of {product.name} that is kept has such a row. Name it by {named}{also}"
    last = max(found, key=lambda version: version.from_release)
    at = published.published_at(conn, [each for each in (last.from_release, last.to_release) if each is not None])
    until = "" if last.to_release is None else f" until release {last.to_release} ({at[last.to_release]:%Y-%m-%d})"
    return (
        f"release {release.release_id} of {product.name} has no such row; it was last in releases from "
        f"{last.from_release} ({at[last.from_release]:%Y-%m-%d}){until}: ask with --on DAY"
    )


class _Behind:
    """The landed rows behind the rows of a product, each stream as far as the candidate's build read it."""

    def __init__(
        self,
        conn: psycopg.Connection,
        contracts: Mapping[str, Contract],
        family: Family,
        product: Product,
        loads: Mapping[Input, int | None],
    ) -> None:
        self._conn, self._product, self._loads = conn, product, loads
        self._streams: dict[Input, Stream] = {
            (system, name): stream
            for system, name in family.inputs
            if (contract := contracts.get(system)) and (stream := contract.streams.get(name))
        }

    def __call__(self, row: dict[str, Any], judged_at: Any) -> tuple[list[SourceRow], tuple[str, ...]]:
        named = list(dict.fromkeys(_names(row)))
        linked: dict[Input, set[str]] = {}
        for column in self._product.identity_columns:
            if row.get(column):
                for system, name, record in published.records_of(self._conn, str(row[column]), judged_at):
                    linked.setdefault((system, name), set()).add(record)
        found: list[SourceRow] = []
        cut: list[str] = []
        for place, stream in self._streams.items():
            rows = self._of_stream(stream, row, {*named, *linked.get(place, ())}, self._loads[place])
            found += rows[:SOURCES]
            if len(rows) > SOURCES:
                cut.append(".".join(place))
        return found, tuple(cut)

    def _of_stream(self, stream: Stream, row: dict[str, Any], records: set[str], load: int | None) -> list[SourceRow]:
        columns = {column.name for column in stream.columns}
        keys = [column for column in self._product.key_columns if column in columns and row[column] is not None]
        rows = source_rows.by_record(self._conn, stream, records, as_of_load=load)
        if self._product.key_columns[0] in keys and not set(self._product.key_columns) & set(
            self._product.identity_columns
        ):
            wanted = {column: str(row[column]) for column in keys}
            carrying = source_rows.by_columns(self._conn, stream, wanted, as_of_load=load, limit=SOURCES)
            rows += [each for each in carrying if each not in rows]
        return [
            each for each in rows if all(str(each.values.get(column)) in (str(row[column]), "None") for column in keys)
        ]


def _names(row: Mapping[str, Any]) -> Iterator[str]:
    """Every text in the lists and objects of a row that may be the key of a record."""
    waiting = [value for value in row.values() if isinstance(value, dict | list)]
    while waiting:
        value = waiting.pop()
        inside = value.items() if isinstance(value, dict) else ((None, each) for each in value)
        for name, each in inside:
            if isinstance(each, dict | list):
                waiting.append(each)
            elif isinstance(each, str) and name not in ("system", "stream", "rule") and _NAMED.fullmatch(each):
                yield each
