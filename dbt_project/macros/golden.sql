{#
  Survivorship of one column within a group of records: the value of the best-ranked source that states one, its most
  recent record first, and beside it the record it came from. Needs source_rank, updated_at and source_record (see
  `source_record`) in the rows. `among` says which rows may speak, `stated` which of them do.
#}
{% macro golden(column, stated=none, among=none) -%}
{%- set stated = (among ~ ' and ' if among else '') ~ (stated or column ~ ' is not null') -%}
{%- set best_first = 'order by source_rank, updated_at desc nulls last, source_record' -%}
(array_agg({{ column }} {{ best_first }}) filter (where {{ stated }}))[1] as {{ column }},
        (array_agg(source_record {{ best_first }}) filter (where {{ stated }}))[1] as {{ column }}_record
{%- endmacro %}


{# A record as one text: system/stream/record_key. The names of systems and streams hold no slash. #}
{% macro source_record(alias) -%}
    {{ alias }}.system || '/' || {{ alias }}.stream || '/' || {{ alias }}.record_key as source_record
{%- endmacro %}


{# The system of such a text. #}
{% macro system_of(record) -%}
    split_part({{ record }}, '/', 1)
{%- endmacro %}


{# One row per golden value of a model and the record it came from; values that nobody states have none. #}
{% macro field_sources(model, key, fields) -%}
{% for field in fields %}
{% if not loop.first %}union all
{% endif -%}
select
    {{ key }},
    '{{ field }}' as field,
    split_part({{ field }}_record, '/', 1) as system,
    split_part({{ field }}_record, '/', 2) as stream,
    substr(
        {{ field }}_record,
        length(split_part({{ field }}_record, '/', 1)) + length(split_part({{ field }}_record, '/', 2)) + 3
    ) as record_key
from {{ model }}
where {{ field }}_record is not null
{% endfor %}
{%- endmacro %}
