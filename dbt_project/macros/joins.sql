{#
  Tables are made as dbt makes them, but joined by hash or merge wherever they can be. Of the records that belong to one
  kind of entity PostgreSQL often expects one where there are those of a whole town, and a loop over the other table,
  cheap for one row, takes minutes for all of them.
#}
{% macro postgres__get_create_table_as_sql(temporary, relation, sql) -%}
    set local enable_nestloop = off;
    {{ create_table_as(temporary, relation, sql) }}
{%- endmacro %}
