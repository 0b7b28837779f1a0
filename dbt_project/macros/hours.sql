{# Hours from one instant to a later one, two decimals; null where a clock put the later one first. #}
{% macro hours_between(start, finish) -%}
    (
        case when {{ finish }} >= {{ start }} then extract(epoch from {{ finish }} - {{ start }}) / 3600 end
    )::numeric(12, 2)
{%- endmacro %}
