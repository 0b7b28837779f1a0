{# Whether an entry that may be withheld was given: a value that conform could not read is neither there nor missing. #}
{% macro given(column) -%}
    case
        when {{ column }} is not null then 'given'
        when {{ column }}_raw is not null then 'unreadable'
        else 'missing'
    end
{%- endmacro %}
