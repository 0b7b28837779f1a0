{#
  The current version of every record of a stream: the columns that its source declares, no others, plus record_key.
  Landing is a change log; a row that no load has closed is what the source says now. A build reads each stream up to
  the load that was its last when the build began, so that all models speak of one moment (control.build_input).
#}
{% macro current_version(system, stream) -%}
{%- set relation = source(system, stream) -%}
{%- if execute -%}
{%- set bound = "(select coalesce(max(load_id), 9223372036854775807) from " ~ source('control', 'build_input')
    ~ " where system = '" ~ system ~ "' and stream = '" ~ stream ~ "')" -%}
{%- set columns = (graph.sources.values() | selectattr('source_name', 'equalto', system)
                   | selectattr('name', 'equalto', stream) | first).columns.values() | list -%}
select
    {{ record_key(columns) }} as record_key
    {%- for column in columns %},
    {{ adapter.quote(column.name) }}
    {%- endfor %}
from {{ relation }}
where _from_load <= {{ bound }} and (_to_load is null or _to_load > {{ bound }})
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


{#
  Every version of every record of a stream that the build may read: the declared columns, record_key, the first and the
  last load of each (last_load null: it stands now), and when the source told it and told otherwise (seen_from, seen_to).
#}
{% macro all_versions(system, stream) -%}
{%- set relation = source(system, stream) -%}
{%- set loads = source('control', 'load') -%}
{%- set bounds = source('control', 'build_input') -%}
{%- if execute -%}
{%- set bound = "(select coalesce(max(load_id), 9223372036854775807) from " ~ bounds ~ " where system = '" ~ system ~ "' and stream = '" ~ stream ~ "')" -%}
{%- set columns = (graph.sources.values() | selectattr('source_name', 'equalto', system)
                   | selectattr('name', 'equalto', stream) | first).columns.values() | list -%}
with version as (
    select
        {{ record_key(columns) }} as record_key
        {%- for column in columns %},
        {{ adapter.quote(column.name) }}
        {%- endfor %},
        _from_load,
        case when _to_load <= {{ bound }} then _to_load end as _to_load
    from {{ relation }}
    -- A row that came and went within one load was never what the source said.
    where _from_load <= {{ bound }} and _to_load is distinct from _from_load
)

select
    version.record_key
    {%- for column in columns %},
    version.{{ adapter.quote(column.name) }}
    {%- endfor %},
    version._from_load as first_load,
    version._to_load as last_load,
    coalesce(opening.source_time, opening.finished_at) as seen_from,
    coalesce(closing.source_time, closing.finished_at) as seen_to
from version
inner join {{ loads }} as opening on opening.load_id = version._from_load
left join {{ loads }} as closing on closing.load_id = version._to_load
{%- endif -%}
{%- endmacro %}
