{# One parameter of the elder-care alarms in force on the day. #}
{% macro care_parameter(item) -%}
    (
        select p.value from {{ ref('care_parameters') }} as p
        where p.item = '{{ item }}' and {{ in_force('p') }}
    )
{%- endmacro %}
