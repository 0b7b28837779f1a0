"""What the output of one SQL statement rests on: value edges and influence edges, down to the columns of its tables.

Plain column lineage follows values alone. A column that only filters, joins, groups, orders or partitions decides the
result as much, so every row of an output is also taken to rest on: WHERE, JOIN conditions, GROUP BY, HAVING, ORDER BY,
DISTINCT, LIMIT, the rows of every table in FROM, and everything inside EXISTS, IN and scalar subqueries. What cannot be
resolved raises `Unresolved`: an edge that nobody can see is not an edge that is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from quality.told_streams import ALL, CHANGED, is_telling, streams_given, told_literal, told_streams

ROWS = "*"
"""The pseudo-column of a table that stands for "there is such a row"."""

READS_NOTHING = frozenset(
    {
        *("age", "array_position", "array_remove", "array_replace", "btrim", "cardinality", "format", "isfinite"),
        *("isempty", "jsonb_agg", "jsonb_array_elements", "jsonb_array_elements_text", "jsonb_array_length"),
        *(
            "jsonb_build_array",
            "jsonb_build_object",
            "jsonb_each",
            "jsonb_object_agg",
            "jsonb_object_keys",
            "jsonb_set",
        ),
        *("jsonb_strip_nulls", "jsonb_typeof", "justify_days", "make_date", "make_interval", "md5", "num_nonnulls"),
        *(
            "num_nulls",
            "quote_literal",
            "regexp_count",
            "regexp_match",
            "regexp_matches",
            "scale",
            "starts_with",
            "string_to_array",
        ),
        *("to_json", "to_jsonb", "trim_scale", "width_bucket"),
    }
)
"""Functions that sqlglot has no class for and that are known to read no table. Any other may hide an edge."""

Table = tuple[str, str]
"""(schema, name)"""
Edge = tuple[str, str, str]
"""(schema, table, column) that an output rests on; the column may be ROWS. A table of the hub whose rows name records
stands as `membership[system.stream as kind]`, once for each stream that the query fixes; `*` is what it leaves open.
Keys of changed rows stand as `changed_key[model]`."""
Edges = dict[Edge, str]
"""edge → how it is used: value, where, join, group by …"""
Schema = Mapping[str, Mapping[str, Mapping[str, str]]]


class Unresolved(ValueError):
    """The statement cannot be followed to the end."""


@dataclass(frozen=True)
class Lineage:
    """Of one statement: per output column the edges of its value, the edges that decide its rows, and the streams
    (`system.stream`) that its outputs of these names are sure to be of."""

    columns: dict[str, Edges]
    influence: Edges
    streams: tuple[str, ...] = ()


def trace(sql: str, schema: Schema) -> Lineage:
    """The lineage of one query (PostgreSQL). `schema`: schema → table → column → type of all it may read.

    Raises Unresolved for SQL that does not parse, is not a query, reads a table or column that `schema` lacks, keeps a
    star that cannot be expanded, or calls a function that is not known to read nothing.
    """
    query = _parsed(sql)
    try:
        qualified = qualify(query, dialect="postgres", schema=dict(schema), quote_identifiers=False)
        scope = build_scope(qualified)
    except SqlglotError as error:
        raise Unresolved(str(error).split("\n")[0]) from error
    if scope is None:
        raise Unresolved("the statement is not a query")
    streams = tuple(sorted(".".join(one) for one in streams_given(scope)))
    return replace(_Tracer(schema).query(scope), streams=streams)


def _parsed(sql: str) -> exp.Expression:
    try:
        statements = [found for found in sqlglot.parse(sql, dialect="postgres") if found is not None]
    except SqlglotError as error:
        raise Unresolved(f"the SQL does not parse: {str(error).splitlines()[0]}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise Unresolved("there must be one statement and it must be a query")
    query = statements[0]
    for function in query.find_all(exp.Anonymous, exp.AnonymousAggFunc):
        if str(function.this).lower() not in READS_NOTHING or isinstance(function.parent, exp.Dot):
            raise Unresolved(
                f"the function {function.this} may read what cannot be seen here; if it reads no table, add it to"
                " READS_NOTHING in quality/lineage.py"
            )
    for part in query.find_all(exp.Into, exp.Command, exp.Insert, exp.Update, exp.Delete, exp.Lock):
        raise Unresolved(f"{part.key} has no place in a model")
    return query


class _Tracer:
    """Walks the scopes of one qualified statement; answers are kept per scope."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.known: dict[int, Lineage] = {}
        self.told: dict[tuple[int, str], list[str]] = {}

    def query(self, scope: Scope) -> Lineage:
        if id(scope) not in self.known:
            self.known[id(scope)] = self._query(scope)
        return self.known[id(scope)]

    def _query(self, scope: Scope) -> Lineage:
        expression = scope.expression
        if isinstance(expression, exp.SetOperation):
            return self._set_operation(scope, expression)
        if isinstance(expression, exp.Select):
            return self._select(scope, expression)
        # unnest(…), VALUES, LATERAL, a function in FROM: each of its columns may hold whatever went in.
        return Lineage({}, self._edges(expression, scope, "value"))

    def _set_operation(self, scope: Scope, expression: exp.SetOperation) -> Lineage:
        left, right = (self.query(branch) for branch in scope.set_operation_scopes)
        if len(left.columns) != len(right.columns):
            raise Unresolved("the branches of a union differ in their number of columns")
        columns: dict[str, Edges] = {}
        for (name, first), second in zip(left.columns.items(), right.columns.values(), strict=True):
            columns[name] = {**second, **first}
        influence = {**right.influence, **left.influence}
        if not (isinstance(expression, exp.Union) and not expression.args.get("distinct")):
            for edges in columns.values():
                influence |= {edge: "set operation" for edge in edges if edge not in influence}
        for part in ("order", "limit", "offset"):
            if expression.args.get(part) is not None:
                # Names of outputs: their values decide the order.
                for edges in columns.values():
                    influence |= {edge: "order by" for edge in edges if edge not in influence}
        return Lineage(columns, influence)

    def _select(self, scope: Scope, select: exp.Select) -> Lineage:
        columns: dict[str, Edges] = {}
        for projection in select.selects:
            if isinstance(projection, exp.Star) or isinstance(getattr(projection, "this", None), exp.Star):
                raise Unresolved("a star cannot be expanded")
            name = projection.alias_or_name
            if not name or name in columns:
                raise Unresolved(f"an output column has no name of its own ({name or projection.sql()[:60]})")
            columns[name] = self._edges(projection, scope, "value")
        influence: Edges = {}
        for alias in scope.selected_sources:
            influence |= self._rows_of(scope.sources[alias], scope)
        for use, part in self._deciding_parts(select):
            influence = {**self._edges(part, scope, use, columns), **influence}
        if select.args.get("distinct") is not None:
            for edges in columns.values():
                influence |= {edge: "distinct" for edge in edges if edge not in influence}
        return Lineage(columns, influence)

    def _deciding_parts(self, select: exp.Select) -> list[tuple[str, exp.Expression]]:
        """Everything of a query but its projections: in FROM and JOIN whole trees, with what is nested in brackets."""
        named = {
            "where": "where", "group": "group by", "having": "having", "order": "order by", "distinct": "distinct",
            "limit": "limit", "offset": "limit", "qualify": "where", "from_": "from",
        }  # fmt: skip
        parts = [(use, select.args[key]) for key, use in named.items() if select.args.get(key) is not None]
        several = {"joins": "join", "laterals": "join", "windows": "window"}
        parts += [(use, part) for key, use in several.items() for part in select.args.get(key) or []]
        unknown = {key for key, value in select.args.items() if value} - {
            *named, *several, "expressions", "with_", "kind", "hint",
        }  # fmt: skip
        if unknown:
            raise Unresolved(f"the clause {', '.join(sorted(unknown))} cannot be followed")
        return parts

    def _rows_of(self, source: exp.Table | Scope, scope: Scope) -> Edges:
        """That a source has rows, and what decided which."""
        if isinstance(source, Scope):
            return dict(self.query(source).influence)
        if not isinstance(source.this, exp.Identifier):
            return self._edges(source, scope, "value")
        return {(schema, table, ROWS): "rows" for schema, table in self._tables(source, scope)}

    def _edges(self, part: exp.Expression, scope: Scope, use: str, outputs: Mapping[str, Edges] | None = None) -> Edges:
        """All edges of an expression. `outputs`: the query's own columns, which ORDER BY and GROUP BY may name."""
        edges: Edges = {}
        nested = _nested(scope)
        sources = {id(inner.expression) for inner in scope.derived_table_scopes}
        waiting: list[exp.Expression] = [part]
        while waiting:
            node = waiting.pop()
            if id(node) in nested:
                answer = self.query(nested[id(node)])
                found = [*answer.columns.values(), answer.influence]
                edges |= {edge: use for one in found for edge in one if edge not in edges}
            elif id(node) in sources:
                continue  # a derived table: what it rests on counts where its columns and rows are used
            elif isinstance(node, exp.Column):
                edges |= {edge: use for edge in self._column(node, scope, outputs) if edge not in edges}
            elif isinstance(node, exp.TableColumn):
                raise Unresolved(f"the whole row {node.name} is passed on; name its columns")
            elif isinstance(node, exp.Query) and not isinstance(node, exp.Subquery | exp.Table):
                raise Unresolved("a subquery stands where it cannot be followed")
            else:
                waiting += node.iter_expressions()
        return edges

    def _column(self, column: exp.Column, scope: Scope, outputs: Mapping[str, Edges] | None) -> Edges:
        name, alias = column.name, column.table
        if isinstance(column.this, exp.Star):
            raise Unresolved("a star cannot be expanded")
        if not alias:
            if outputs is not None and name in outputs:
                return dict(outputs[name])
            raise Unresolved(f"the column {name} cannot be placed")
        level: Scope | None = scope
        while level is not None:
            if alias in level.sources:
                return self._of_source(level.sources[alias], name, level)
            level = level.parent
        raise Unresolved(f"the column {alias}.{name} cannot be placed")

    def _of_source(self, source: exp.Table | Scope, name: str, scope: Scope) -> Edges:
        if isinstance(source, Scope):
            answer = self.query(source)
            if name in answer.columns:
                return {**answer.influence, **answer.columns[name]}
            if not answer.columns:
                return dict(answer.influence)
            raise Unresolved(f"the column {name} is not an output of its subquery")
        if not isinstance(source.this, exp.Identifier):
            return self._edges(source, scope, "value")
        schema, table = self._table(source)
        if name not in self.schema[schema][table]:
            raise Unresolved(f"{schema}.{table} has no column {name}")
        return {(schema, table, name): "value" for schema, table in self._tables(source, scope)}

    def _tables(self, source: exp.Table, scope: Scope) -> list[Table]:
        """The table as edges name it: once per stream whose records the query reads of it, else once."""
        schema, table = self._table(source)
        alias = source.alias_or_name
        if (schema, table) == CHANGED:
            return [(schema, f"{table}[{told_literal(scope, alias, 'model') or ALL}]")]
        if not is_telling(source):
            return [(schema, table)]
        if (id(scope), alias) not in self.told:
            kind = told_literal(scope, alias, "kind")
            told = [".".join(one) for one in sorted(told_streams(scope, alias))]
            self.told[id(scope), alias] = [f"{table}[{one}{f' as {kind}' if kind else ''}]" for one in told]
        return [(schema, one) for one in self.told[id(scope), alias]]

    def _table(self, source: exp.Table) -> Table:
        found: Any = (source.db, source.name)
        if found[1] not in self.schema.get(found[0], {}):
            raise Unresolved(f"the table {source.db or '?'}.{source.name} is not one of the project's")
        return (str(found[0]), str(found[1]))


def _nested(scope: Scope) -> dict[int, Scope]:
    """Subqueries inside the expressions of a scope. Those inside LATERAL, unnest and VALUES may hang on either side."""
    scopes = [*scope.subquery_scopes, *(inner for table in scope.udtf_scopes for inner in table.subquery_scopes)]
    if scope.is_udtf and scope.parent is not None:
        scopes += scope.parent.subquery_scopes
    return {id(inner.expression): inner for inner in scopes}
