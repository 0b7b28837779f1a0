{# Whether a record is its entity's by a lone name, and may be a namesake's. #}
{% macro by_name(link) -%}
    coalesce({{ link }}.link_kind = 'probable', false)
{%- endmacro %}


{#
  Whether whose a record is, is in doubt: it is its entity's by a lone name, a steward said whose it is not, or is asked
  whether its number is a relative's (one that was set aside has placed nothing).
#}
{% macro in_doubt(link, review) -%}
    coalesce(
        {{ link }}.link_kind = 'probable'
        or {{ link }}.link_kind = 'steward' and {{ link }}.reason = 'cannot_link'
        or {{ review }}.record_key is not null and {{ link }}.borrowed is not true and {{ link }}.link_kind <> 'steward',
        false
    )
{%- endmacro %}


{# Of a group of int_minimum_living_member: whether what it says rests on members by the name alone. #}
{% macro approved_by_name() -%}
    (bool_or(by_name and in_force) or bool_and(by_name))
{%- endmacro %}


{# Whose each record of these streams is, or was last: who is another by now is meant as that one, and null is who is
   nobody any more. Links of now and of the past are read by themselves, for each of these has an index.
   among: an SQL condition on `link` #}
{% macro whose_last(kind, streams, among='true') -%}
    select distinct on (link.system, link.stream, link.record_key)
        link.system,
        link.stream,
        link.record_key,
        case entity.status when 'active' then entity.entity_key else entity.resolves_to end as entity_key,
        {{ by_name('link') }} as by_name
    from (
        {%- for system, stream in streams %}
        {%- for past in ('', 'not ') %}
        select link.system, link.stream, link.record_key, link.entity_key, link.link_kind, link.to_run
        from {{ source('resolution', 'membership') }} as link
        where link.kind = '{{ kind }}' and link.system = '{{ system }}' and link.stream = '{{ stream }}'
            and link.to_run is {{ past }}null and {{ among }}
        {{ 'union all' if past == '' }}
        {%- endfor %}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as link
    inner join {{ source('resolution', 'entity') }} as entity on entity.entity_key = link.entity_key
    order by link.system, link.stream, link.record_key, link.to_run desc nulls first
{%- endmacro %}


{# Records that were purged or became another person's, and when that was found last: what was told until then is no
   history of whose they are now. #}
{% macro became_anothers(kind, streams) -%}
    select past.system, past.stream, past.record_key, max(found.finished_at) as found_at
    from {{ source('resolution', 'membership') }} as past
    inner join {{ source('resolution', 'run') }} as found on found.run_id = past.to_run
    where past.kind = '{{ kind }}' and past.voided and (past.system, past.stream) in (
        {%- for system, stream in streams %}('{{ system }}', '{{ stream }}'){{ ', ' if not loop.last }}{% endfor -%}
    )
    group by past.system, past.stream, past.record_key
{%- endmacro %}
