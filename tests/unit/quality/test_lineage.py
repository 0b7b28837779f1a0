"""Value and influence edges of single statements."""

from __future__ import annotations

import pytest

from quality.lineage import ROWS, Unresolved, trace

SCHEMA = {"s": {"x": {"a": "text", "b": "text"}, "t": {"a": "text", "f": "text"}}}


def edges(sql: str) -> tuple[dict[str, set[str]], set[str]]:
    """Per output column the columns of its value, and the columns that decide the rows; all as table.column."""
    lineage = trace(sql, SCHEMA)
    columns = {name: {f"{table}.{column}" for _, table, column in found} for name, found in lineage.columns.items()}
    return columns, {f"{table}.{column}" for _, table, column in lineage.influence}


def test_a_plain_column() -> None:
    assert edges("select b as c from s.x where a = '1'") == ({"c": {"x.b"}}, {"x.a", f"x.{ROWS}"})


def test_a_column_that_is_not_selected_does_not_count() -> None:
    assert edges("with w as (select a, b from s.x) select a from w") == ({"a": {"x.a", f"x.{ROWS}"}}, {f"x.{ROWS}"})


@pytest.mark.parametrize(
    "sql",
    [
        "select x.a from s.x as x join s.t as t on t.f = x.b",
        "select x.a from (s.x as x join s.t as t on t.f = x.b)",
        "select x.a from s.x as x, s.t as t where t.f is null",
        "select x.a from s.x as x cross join s.t as t group by x.a, t.f",
        "select x.a from s.x as x cross join s.t as t group by x.a having max(t.f) > '1'",
        "select x.a from s.x as x cross join s.t as t order by t.f",
        "select x.a from s.x as x where exists (select from s.t as t where t.f = x.b)",
        "select x.a from s.x as x where x.a = any(array(select t.f from s.t as t))",
        "select x.a from s.x as x where x.b in (select t.f from s.t as t union select '1')",
        "select distinct on (t.f) x.a from s.x as x cross join s.t as t",
        "select x.a from s.x as x except select t.f from s.t as t",
        "select x.a from s.x as x cross join lateral (select t.f from s.t as t where t.a = x.a) as l",
        "select x.a from s.x as x cross join unnest(array(select t.f from s.t as t)) as u (v) where u.v > '1'",
        "select x.a from s.x as x limit (select count(t.f) from s.t as t)",
        "select x.a from s.x as x where (select count(*) from (select t.f from s.t as t group by t.f) as d) > 3",
    ],
)
def test_what_decides_the_rows_counts(sql: str) -> None:
    assert "t.f" in edges(sql)[1]


@pytest.mark.parametrize(
    "expression",
    [
        "case when t.f = '1' then x.a end",
        "max(x.a) over (partition by t.f)",
        "row_number() over (order by t.f)",
        "max(x.a) over (w)",
        "array_agg(x.a order by t.f)",
        "count(*) filter (where t.f is not null)",
        "mode() within group (order by t.f)",
        "(select max(d.f) from s.t as d where d.a = x.a) || t.f",
        "coalesce(x.a, t.f)",
        "jsonb_build_object('k', t.f)",
        "cardinality(array(select u.v from unnest(array[t.f]) as u (v)))",
    ],
)
def test_what_makes_a_value_counts(expression: str) -> None:
    window = " window w as (order by t.f)" if "(w)" in expression else ""
    columns, influence = edges(f"select {expression} as z from s.x as x cross join s.t as t{window}")
    assert "t.f" in columns["z"] | influence


def test_union_takes_columns_by_their_place() -> None:
    columns, _ = edges("select a, b from s.x union all select f, a from s.t")
    assert columns == {"a": {"x.a", "t.f"}, "b": {"x.b", "t.a"}}


@pytest.mark.parametrize(
    "sql",
    [
        "selec a from s.x",
        "select a from s.x; select b from s.x",
        "delete from s.x",
        "select nope from s.x",
        "select a from s.nope",
        "select a from x",
        "select to_jsonb(x) as z from s.x as x",
        "select (x).a as z from s.x as x",
        "select a, a from s.x",
        "select a from s.x for update",
        "select my_function(a) as z from s.x",
        "select control.f(a) as z from s.x",
        "select query_to_xml('select f from s.t', true, true, '')::text as z from s.x",
        "with recursive r as (select a from s.x union all select t.a from r join s.t as t on t.f = r.a)"
        " select a from r",
        "",
    ],
)
def test_what_cannot_be_followed_raises(sql: str) -> None:
    with pytest.raises(Unresolved):
        trace(sql, SCHEMA)
