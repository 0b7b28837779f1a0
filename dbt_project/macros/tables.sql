{#
  How tables and views are made.

  A table: beside the one of old, whole and indexed, and then put in its place, all in one transaction.
  dbt's own materialization does the same in a dozen statements, each with a context of its own, and that costs more
  than the SQL of most models. What a model's contract says of its rows (constraints, unique indexes) is held by
  PostgreSQL while they are written: a table that breaks a rule is never there, and the one of old stays.
#}
{% materialization table, adapter='postgres' -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- do remade(target, sql) -%}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}


{% macro remade(target, sql) -%}
    {%- set old = load_cached_relation(this) -%}
    {%- set made = target.incorporate(path={'identifier': this.identifier ~ '__made'}) -%}
    {%- do hold_contract(sql) -%}
    {%- set columns = column_names() %}
    {#-
      Joined by hash or merge wherever it can be: of the records that belong to one kind of entity PostgreSQL often
      expects one where there are those of a whole town, and a loop over the other table, cheap for one row, takes
      minutes for all of them.
    #}
    {% call statement('begin') -%}
        set local enable_nestloop = off;
        drop table if exists {{ made }};
        create table {{ made }} {{ get_table_columns_and_constraints() }};
    {%- endcall %}
    {% call statement('main') -%}
        insert into {{ made }} ({{ columns }})
        select {{ columns }} from ({{ sql }}) as said
    {%- endcall %}
    {#-
      A table made a moment ago has no statistics yet, and the models after it join on it. A sample of 6,000 rows tells
      enough, as it does of what has landed, and costs a fifth of the usual one.
    #}
    {% call statement('end') -%}
        set local default_statistics_target = 20;
        {% for each in config.get('indexes', []) -%}
            {%- set index = adapter.parse_index(each) -%}
            create {{ 'unique' if index.unique }} index on {{ made }} ({{ index.columns | join(', ') }});
        {% endfor -%}
        analyze {{ made }};
        {{ without(old) }}
        alter table {{ made }} rename to {{ this.identifier }};
    {%- endcall %}
    {%- do adapter.commit() -%}
{%- endmacro %}


{% materialization view, adapter='postgres' -%}
    {%- set target = this.incorporate(type='view') -%}
    {%- do hold_contract(sql) %}
    {% call statement('main') -%}
        {{ without(load_cached_relation(this)) }}
        create view {{ target }} as {{ sql }}
    {%- endcall %}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}


{# Whether the SQL gives the columns that the contract promises is asked once for each state of the project. #}
{% macro hold_contract(sql) -%}
    {%- if config.get('contract').enforced and not var('contracts_hold', false) -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
{%- endmacro %}


{# Views on what goes are made after it, and gone until then, whatever dbt remembers of them. #}
{% macro without(old) -%}
    {%- if old is not none -%} drop {{ old.type }} if exists {{ old }} cascade; {%- endif -%}
{%- endmacro %}


{# The columns of the model's contract, in its order. #}
{% macro column_names() -%}
    {{ model['columns'].values() | map(attribute='name') | join(', ') }}
{%- endmacro %}
