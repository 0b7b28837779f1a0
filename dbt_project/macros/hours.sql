{# Hours from one instant to a later one, two decimals; null where a clock put the later one first. #}
{% macro hours_between(start, finish) -%}
    case when {{ finish }} >= {{ start }}
        then round((extract(epoch from {{ finish }} - {{ start }}) / 3600)::numeric, 2)
    end
{%- endmacro %}
