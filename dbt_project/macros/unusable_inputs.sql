{#
  Sorted names ('system.stream') of the listed inputs that are missing, failed, aged or disabled, as text[].
  An input without any row in dim_input counts as missing: silence is never "usable".
  inputs: list of [system, stream]
#}
{% macro unusable_inputs(inputs) -%}
(
    select coalesce(array_agg(n.system || '.' || n.stream order by n.system || '.' || n.stream), '{}'::text[])
    from (
        values
        {%- for system, stream in inputs %}
        ('{{ system }}', '{{ stream }}'){{ ',' if not loop.last }}
        {%- endfor %}
    ) as n (system, stream)
    left join {{ ref('dim_input') }} as i on i.system = n.system and i.stream = n.stream
    where not coalesce(i.usable, false)
)
{%- endmacro %}
