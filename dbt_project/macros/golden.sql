{#
  Survivorship of one column within a group of records: the value of the best-ranked source that states one, its most
  recent record first, and beside it the system it came from. Needs source_rank, updated_at and record_key in the rows.
#}
{% macro golden(column, system, stated=none) -%}
{%- set stated = stated or column ~ ' is not null' -%}
{%- set best_first = 'order by source_rank, updated_at desc nulls last, record_key' -%}
(array_agg({{ column }} {{ best_first }}) filter (where {{ stated }}))[1] as {{ column }},
        (array_agg({{ system }} {{ best_first }}) filter (where {{ stated }}))[1] as {{ column }}_source
{%- endmacro %}
