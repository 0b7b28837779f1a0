"""Of which streams' records a query reads one of the hub's own tables: what literals fix its `system` and `stream` to.

A row of the identity ledger, of what stewards are asked or of the quarantine is as good as the record that it names: a
register's primary key can be an identity number, and that there is a row at all says "is on the register". Which
register, only the query tells: `system = 'police_110'`, a list, `system || '.' || stream in (…)`, `(system, stream) in
(…)`, or equality with a column that is itself a literal in every branch of where it comes from. Anything else fixes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

TELLING = frozenset({("resolution", "membership"), ("resolution", "open_review"), ("control", "held_rows")})
"""Tables of the hub of which every row names a record of the town, by `system`, `stream` and `record_key`."""
CHANGED = ("control", "changed_key")
"""Keys of the rows that a build makes anew, by the `model` whose rows they are."""
ALL = "*"

Streams = set[tuple[str, str]]
"""(system, stream); ALL for a part that nothing fixes. `=schema`, model: what stands in `system` and `stream` there."""
_Told = set[tuple[str, ...]]


def is_telling(source: object) -> bool:
    return isinstance(source, exp.Table) and (source.db, source.name) in TELLING


def told_literal(scope: Scope, alias: str, column: str) -> str | None:
    """The one value that a query asks a column of a table for."""
    for condition in _conditions(scope, alias):
        for left, right in _compared(condition):
            if isinstance(left, exp.Column) and (left.table, left.name) == (alias, column) and len(right) == 1:
                return _text(right[0]) if isinstance(right[0], exp.Literal) else None
    return None


def told_streams(scope: Scope, alias: str, asked: frozenset[tuple[int, str]] = frozenset()) -> Streams:
    """The streams whose records the rows of a telling table can be of, in the SELECT that reads it as `alias`."""
    if (id(scope), alias) in asked:
        return {(ALL, ALL)}
    asked |= {(id(scope), alias)}
    systems: list[list[exp.Expression]] = []
    streams: list[list[exp.Expression]] = []
    for condition in _conditions(scope, alias):
        for left, right in _compared(condition):
            if _is_name(left, alias) and _are_texts(right):
                return {(system, stream) for system, _, stream in (_text(one).partition(".") for one in right)}
            if _is_pair(left, alias) and all(
                isinstance(one, exp.Tuple) and _are_texts(one.expressions) for one in right
            ):
                return {(_text(one.expressions[0]), _text(one.expressions[1])) for one in right}
            if isinstance(left, exp.Column) and left.table == alias and left.name in ("system", "stream"):
                (systems if left.name == "system" else streams).append(right)
    for some, others in product(systems, streams):
        told = _all(scope, [[one, other] for one in some for other in others], asked)
        if told is not None:
            return {(system, stream) for system, stream in told}
    for some in systems:
        told = _all(scope, [[one] for one in some], asked)
        if told is not None:
            return {(system, ALL) for (system,) in told}
    return {(ALL, ALL)}


def _conditions(scope: Scope, alias: str) -> Iterator[exp.Expression]:
    """What must hold of every row of `alias` that counts: all of WHERE, and of joins that leave no row of it over."""
    select = scope.expression
    if where := select.args.get("where"):
        yield from _conjuncts(where.this)
    for join in select.args.get("joins") or []:
        side = join.side.upper()
        if join.args.get("on") is not None and (not side or (side == "LEFT" and join.alias_or_name == alias)):
            yield from _conjuncts(join.args["on"])


def _conjuncts(condition: exp.Expression) -> Iterator[exp.Expression]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _compared(condition: exp.Expression) -> Iterator[tuple[exp.Expression, list[exp.Expression]]]:
    """One side of `=` or IN and what it may equal."""
    if isinstance(condition, exp.EQ):
        left, right = condition.left.unnest(), condition.right.unnest()
        yield left, [right]
        yield right, [left]
    elif isinstance(condition, exp.In) and condition.expressions:
        yield condition.this.unnest(), [one.unnest() for one in condition.expressions]


def _is_name(side: exp.Expression, alias: str) -> bool:
    """`alias.system || '.' || alias.stream`."""
    return str(side.sql(dialect="postgres")) == f"{alias}.system || '.' || {alias}.stream"


def _is_pair(side: exp.Expression, alias: str) -> bool:
    """`(alias.system, alias.stream)`."""
    return str(side.sql(dialect="postgres")) == f"({alias}.system, {alias}.stream)"


def _are_texts(parts: Sequence[exp.Expression]) -> bool:
    return all(isinstance(part, exp.Literal) and part.is_string for part in parts)


def _all(scope: Scope, rows: Sequence[Sequence[exp.Expression]], asked: frozenset[tuple[int, str]]) -> _Told | None:
    found: _Told = set()
    for row in rows:
        told = _values(scope, row, asked)
        if told is None:
            return None
        found |= told
    return found


def _values(scope: Scope, row: Sequence[exp.Expression], asked: frozenset[tuple[int, str]]) -> _Told | None:
    """The values that expressions of one row can have together; None where they are more than literals."""
    if _are_texts(row):
        return {tuple(_text(part) for part in row)}
    aliases = {part.table for part in row if isinstance(part, exp.Column)}
    if len(aliases) != 1 or not all(isinstance(part, exp.Column | exp.Literal) for part in row):
        return None
    (alias,) = aliases
    source = scope.sources.get(alias)
    if isinstance(source, Scope):
        return _of_branches(source, row, asked)
    if is_telling(source) and {part.name for part in row if isinstance(part, exp.Column)} <= {"system", "stream"}:
        told = [dict(system=system, stream=stream) for system, stream in told_streams(scope, alias, asked)]
        return {tuple(one[p.name] if isinstance(p, exp.Column) else _text(p) for p in row) for one in told}
    if isinstance(source, exp.Table) and [part.name for part in row] == ["system", "stream"]:
        return {(f"={source.db}", source.name)}
    return None


def streams_given(scope: Scope) -> Streams:
    """The streams that a query with the outputs `system` and `stream` gives in them; none where that cannot be told."""
    if not {"system", "stream"} <= set(scope.expression.named_selects):
        return set()
    told = _of_branches(scope, [exp.column("system", "q"), exp.column("stream", "q")], frozenset())
    return {(system, stream) for system, stream in told or ()}


def _of_branches(source: Scope, row: Sequence[exp.Expression], asked: frozenset[tuple[int, str]]) -> _Told | None:
    """Of a subquery: every branch of its unions, where columns go by their place."""
    ring = source.expression.find_ancestor(exp.With)
    if ring is not None and ring.args.get("recursive"):
        return None  # inside a recursion its first branch alone is seen, and the next round reads what the others say
    places = {name: place for place, name in enumerate(source.expression.named_selects)}
    found: _Told = set()
    for branch in _branches(source):
        selects = branch.expression.selects
        inner = [
            selects[places[part.name]].unalias().unnest() if isinstance(part, exp.Column) else part for part in row
        ]
        told = _values(branch, inner, asked)
        if told is None:
            return None
        found |= told
    return found


def _branches(scope: Scope) -> Iterator[Scope]:
    if isinstance(scope.expression, exp.SetOperation):
        for branch in scope.set_operation_scopes:
            yield from _branches(branch)
    else:
        yield scope


def _text(literal: exp.Expression) -> str:
    return str(literal.this)
