"""What the warehouse keeps of residents' records for the next run by changes: features, blocks, counts of values.

All of it follows from the records in force and the ledger; every run writes it in the ledger's own transaction.
"""

from __future__ import annotations

import polars as pl
import psycopg
from psycopg import sql

from resolution import copying
from resolution.arrays import array
from resolution.residents.blocking import MAX_BLOCK
from resolution.residents.coding import CODED
from resolution.residents.features import unnumbered, with_births, without_bare_names
from resolution.residents.keys import TRAITS, counted_keys, entity_blocks, number_keys
from resolution.restoring import RECORD
from resolution.union import YEARS_APART

ENTITIES_AT_ONCE = 50_000
TABLES = ("resident_record", "resident_block", "resident_count")
_TEXTS = ("system", "stream", "record_key", "entity_key", "link_kind")
_KEPT = ("number", "typed", "typed_ends", "typed_head", "typed_tail", "name", "pinyin", "surname", "sound", "day",
         "sex", "phone", "door", "building", "community")  # fmt: skip
SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(_TEXTS, pl.String()),
    "borrowed": pl.Boolean(),
    **dict.fromkeys(_KEPT, CODED),
    "day": pl.Date(),
}
"""A record in force, its entity and link, whether its number was read as another's, and what features rest on."""

# Who shares a block and may be one person by `linking.possible`; two with numbers are not compared. A block that more
# rows share is told to be crowded; it is not read, however large it is.
_NEAR = """
    WITH met AS MATERIALIZED (
        SELECT p.key, b.n, b.entities
          FROM unnest(%(key)s::bigint[], %(loose)s::boolean[], %(year)s::int[], %(sound)s::int[], %(given)s::int[])
               AS p (key, loose, year, sound, given)
         CROSS JOIN LATERAL (
            SELECT count(*) AS n, array_agg(x.entity_key) FILTER (
                       WHERE (p.loose OR x.loose) AND (abs(p.year - x.year) <= %(apart)s) IS NOT FALSE
                         AND (p.sound = x.sound OR p.given = x.given) IS NOT FALSE) AS entities
              FROM (SELECT * FROM resolution.resident_block WHERE key = p.key LIMIT %(most)s + 1) AS x) AS b)
    SELECT (SELECT array_agg(DISTINCT entity_key) FROM met, unnest(entities) AS e (entity_key) WHERE n <= %(most)s),
           (SELECT array_agg(DISTINCT key) FROM met WHERE n > %(most)s)
"""


# A telephone or a door of many is nobody's household, and its block is not read.
_BESIDE = """
    SELECT array_agg(DISTINCT entity_key)
      FROM unnest(%(keys)s::bigint[]) AS p (key)
     CROSS JOIN LATERAL (
        SELECT count(*) AS n, array_agg(x.entity_key) FILTER (WHERE x.loose AND x.year IS NULL OR NOT %(loose)s)
                            AS entities
          FROM (SELECT * FROM resolution.resident_block WHERE key = p.key LIMIT %(most)s + 1) AS x) AS b
     CROSS JOIN unnest(b.entities) AS e (entity_key) WHERE b.n <= %(most)s
"""
HOUSEHOLD_BLOCK = 60
"""Rows of a block of those who live together: several of each."""


def lost(conn: psycopg.Connection) -> bool:
    """Whether nothing is kept: the tables are not logged, and a server that crashed or is a replica has them empty."""
    row = conn.execute("SELECT NOT EXISTS (SELECT FROM resolution.resident_record)").fetchone()
    assert row is not None
    return bool(row[0])


def read(conn: psycopg.Connection, entities: pl.Series) -> pl.DataFrame:
    """Records (`SCHEMA`) of some entities, by their keys."""
    columns = sql.SQL(", ").join(
        sql.SQL("borrowed::text") if name == "borrowed" else sql.Identifier(name) for name in SCHEMA
    )
    query = sql.SQL(
        "COPY (SELECT {} FROM resolution.resident_record WHERE entity_key = ANY ({}::text[])) TO STDOUT (FORMAT CSV)"
    )
    with conn.cursor().copy(query.format(columns, sql.Literal(array(entities.sort())))) as copy:
        data = b"".join(bytes(block) for block in copy)
    if not data:
        return pl.DataFrame(schema=SCHEMA)
    texts = pl.read_csv(data, has_header=False, schema=dict.fromkeys(SCHEMA, pl.String()))
    return texts.with_columns(pl.col("day").str.to_date(), borrowed=pl.col("borrowed") == "true").cast(
        pl.Schema(SCHEMA)
    )


def near(conn: psycopg.Connection, met: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """(entities, crowded) of `met` (`keys.TRAITS`): who may be one with a row in its block, and the keys of blocks that
    are too large to say so."""
    probes = met.select(TRAITS).unique().sort("key")
    columns = {name: array(probes[name]) for name in TRAITS}
    row = conn.execute(_NEAR, columns | {"most": MAX_BLOCK, "apart": YEARS_APART}).fetchone()
    assert row is not None
    return pl.Series("entity_key", row[0] or [], dtype=pl.String), pl.Series("key", row[1] or [], dtype=pl.Int64)


def beside(conn: psycopg.Connection, keys: pl.Series, *, loose: bool) -> pl.Series:
    """Entities in the blocks of these keys (`household_keys`); if `loose`, by records without number and birth."""
    told = {"keys": array(keys.unique().sort()), "loose": loose, "most": HOUSEHOLD_BLOCK}
    row = conn.execute(_BESIDE, told).fetchone()
    assert row is not None
    return pl.Series("entity_key", row[0] or [], dtype=pl.String)


def having(conn: psycopg.Connection, keys: pl.Series) -> pl.Series:
    """Entities that have one of the keys, however many they are."""
    query = "SELECT array_agg(DISTINCT entity_key) FROM resolution.resident_block WHERE key = ANY (%s::bigint[])"
    row = conn.execute(query, [array(keys.unique().sort())]).fetchone()
    assert row is not None
    return pl.Series("entity_key", row[0] or [], dtype=pl.String)


def counts(conn: psycopg.Connection, keys: pl.Series) -> pl.DataFrame:
    """key, entities of the keys of values that are known."""
    query = "SELECT array_agg(key), array_agg(entities) FROM resolution.resident_count WHERE key = ANY (%s::bigint[])"
    row = conn.execute(query, [array(keys.unique().sort())]).fetchone()
    assert row is not None
    return pl.DataFrame({"key": row[0] or [], "entities": row[1] or []}, schema={"key": pl.Int64, "entities": pl.Int64})


class Counts:
    """`counts` of one transaction, in which no key is asked for twice: each step of a run asks for most of the last
    one's values again."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        self._known = pl.DataFrame(schema={"key": pl.Int64, "entities": pl.Int64})

    def of(self, keys: pl.Series) -> pl.DataFrame:
        """key, entities of the keys that are known."""
        new = keys.filter(~keys.is_in(self._known["key"].implode())).unique()
        if len(new):
            found = new.to_frame("key").join(counts(self._conn, new), on="key", how="left")
            self._known = pl.concat([self._known, found])
        return self._known.filter(pl.col("key").is_in(keys.implode())).drop_nulls()


def rows_of(people: pl.DataFrame, borrowed: pl.Series, memberships: pl.DataFrame) -> pl.DataFrame:
    """Records (`SCHEMA`) of these memberships.

    `people` has system, stream, record_key and what `features` has of each record; `borrowed` are those of its rows
    whose number is likely another's.
    """
    known = people.drop("entity_key", "link_kind", strict=False)
    named = known.join(memberships.select(_TEXTS), on=["system", "stream", "record_key"])
    return named.with_columns(borrowed=pl.col("row").is_in(borrowed.implode())).select(list(SCHEMA))


def people_of(rows: pl.DataFrame) -> pl.DataFrame:
    """`features` of records as they stand, borrowed numbers taken away; row and entity_key."""
    told = rows.select(pl.int_range(pl.len()).alias("row"), "entity_key", "borrowed", *_KEPT)
    return with_births(unnumbered(told, pl.col("borrowed"))).drop("borrowed")


def counted(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """key, entities of the values that count of records and their `people_of`; a probable record says nothing of the
    one that it was attached to, and a bare name nothing of who bears it."""
    return counted_keys(without_bare_names(people.filter(rows["link_kind"] != "probable")), "entity_key")


def rewrite(conn: psycopg.Connection, rows: pl.DataFrame) -> None:
    """These are all the records (`SCHEMA`) that there are.

    Blocks and counts are made of some entities at a time: of a whole town at once they would take more memory than all
    the rest of a run.
    """
    rows = rows.select(list(SCHEMA)).sort("entity_key")
    number = rows["entity_key"].rle_id().cast(pl.Int64)
    names = rows["entity_key"].rle().struct.field("value")
    blocks, counts, start = [], [], 0
    for length in (number // ENTITIES_AT_ONCE).rle().struct.field("len"):
        part = rows.slice(start, length)
        people = people_of(part)
        blocks.append(_blocks(part, people, number.slice(start, length)))
        counts.append(counted(part, people))
        start += length
    conn.execute("SELECT control.empty_resident_state()")
    # In the order of their indexes they are found near to each other, and sorted there at little cost.
    copying.as_text(conn, "resident_record", rows)
    parts = pl.concat(blocks).sort("key").iter_slices(copying.ROWS_AT_ONCE)
    told = (part.select(*TRAITS, entity_key=names.gather(part["entity"])) for part in parts)
    copying.as_binary(conn, "resident_block", told)
    copying.as_binary(
        conn, "resident_count", [pl.concat(counts).group_by("key").agg(pl.col("entities").sum()).sort("key")]
    )
    conn.execute("SELECT control.index_resident_state()")


def replace(conn: psycopg.Connection, before: pl.DataFrame, after: pl.DataFrame, *, unmet: pl.Series) -> None:
    """Records (`SCHEMA`) of some entities, whole, as they were written and as they are now.

    Entities `unmet` have no blocks any more, for retention purged one of their records (control.forget_records).
    """
    gone = before.join(after, on=before.columns, how="anti", nulls_equal=True).sort("entity_key")
    told = after.join(before, on=before.columns, how="anti", nulls_equal=True).sort("entity_key")
    conn.execute(
        "DELETE FROM resolution.resident_record r USING unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
        " AS g (system, stream, record_key, entity_key) WHERE r.entity_key = g.entity_key"
        " AND (r.system, r.stream, r.record_key) = (g.system, g.stream, g.record_key)",
        [array(gone[name]) for name in _TEXTS[:4]],
    )
    copying.as_text(conn, "resident_record", told)
    was, now = people_of(before), people_of(after)
    # Most rows changed in nothing but how they are linked, which blocks do not tell.
    looks = [name for name in SCHEMA if name != "link_kind"]
    went = _has(before, gone.join(told, on=looks, how="anti", nulls_equal=True))
    came = _has(after, told.join(gone, on=looks, how="anti", nulls_equal=True))
    bare, still = (rows["entity_key"].is_in(unmet.implode()) for rows in (before, after))
    old, stay = (_named_blocks(before.filter(some), was.filter(some)) for some in (went & ~bare, ~went & ~bare))
    new = _named_blocks(after.filter(came | still), now.filter(came | still))
    gone = old.join(pl.concat([new, stay]), on=old.columns, how="anti", nulls_equal=True).sort("key")
    conn.execute(
        """DELETE FROM resolution.resident_block b
            USING unnest(%(key)s::bigint[], %(loose)s::boolean[], %(year)s::int[], %(sound)s::int[], %(given)s::int[],
                         %(entity_key)s::text[]) AS g (key, loose, year, sound, given, entity_key)
            WHERE b.key = g.key AND b.entity_key = g.entity_key AND b.loose = g.loose
              AND (b.year, b.sound, b.given) IS NOT DISTINCT FROM (g.year::smallint, g.sound, g.given)""",
        {name: array(gone[name]) for name in gone.columns},
    )
    more = new.join(pl.concat([old, stay]), on=old.columns, how="anti", nulls_equal=True)
    copying.as_binary(conn, "resident_block", [more.sort("key")])
    change = (
        pl.concat([counted(after, now), counted(before, was).with_columns(-pl.col("entities"))])
        .group_by("key")
        .agg(pl.col("entities").sum())
        .filter(pl.col("entities") != 0)
        .sort("key")
    )
    columns = [array(change[name]) for name in ("key", "entities")]
    conn.execute(
        "INSERT INTO resolution.resident_count AS c SELECT * FROM unnest(%s::bigint[], %s::bigint[])"
        " ON CONFLICT (key) DO UPDATE SET entities = c.entities + excluded.entities",
        columns,
    )
    conn.execute("DELETE FROM resolution.resident_count WHERE key = ANY (%s::bigint[]) AND entities <= 0", columns[:1])


def _has(rows: pl.DataFrame, some: pl.DataFrame) -> pl.Series:
    """Which of the rows are of one of the records of `some`."""
    return rows.join(some.select(*RECORD, has=True), on=RECORD, how="left", maintain_order="left")["has"].fill_null(
        False
    )


def _blocks(rows: pl.DataFrame, people: pl.DataFrame, entities: pl.Series) -> pl.DataFrame:
    """entity, `keys.TRAITS` of records, their `people_of` and the numbers of their entities; a number is found also
    where it is another's."""
    held = pl.DataFrame({"row": people["row"], "number": rows["number"], "entity": entities})
    numbers = number_keys(held.unique(["number", "entity"], keep="any"), "entity").with_columns(loose=pl.lit(False))
    return pl.concat([entity_blocks(people, entities), numbers.drop("row")], how="diagonal")


def _named_blocks(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """`keys.TRAITS`, entity_key of the same."""
    order = rows["entity_key"].arg_sort()
    keys = rows["entity_key"][order]
    found = _blocks(rows[order], people[order], keys.rle_id().cast(pl.Int64))
    names = keys.rle().struct.field("value")
    return found.select(*TRAITS, entity_key=names.gather(found["entity"]))
