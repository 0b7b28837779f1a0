{#
  The current version of every record of a stream: the columns that its source declares, no others, plus record_key.
  Landing is a change log; a row without _to_load is what the source says now.
#}
{% macro current_version(system, stream) -%}
{%- set relation = source(system, stream) -%}
{%- if execute -%}
{%- set columns = (graph.sources.values() | selectattr('source_name', 'equalto', system)
                   | selectattr('name', 'equalto', stream) | first).columns.values() | list -%}
select
    {{ record_key(columns) }} as record_key
    {%- for column in columns %},
    {{ adapter.quote(column.name) }}
    {%- endfor %}
from {{ relation }}
where _to_load is null
{%- endif -%}
{%- endmacro %}


{# Primary-key columns as text, joined by '|', in the contract's order: the key that resolution.membership uses. #}
{% macro record_key(columns) -%}
{%- set parts = [] -%}
{%- for column in columns if column.config.meta.get('primary_key') -%}
    {%- if column.data_type == 'timestamptz' -%}
        {%- do parts.append("to_char(" ~ column.name ~ " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')") -%}
    {%- else -%}
        {%- do parts.append(adapter.quote(column.name) ~ '::text') -%}
    {%- endif -%}
{%- endfor -%}
{{ parts | join(" || '|' || ") }}
{%- endmacro %}
