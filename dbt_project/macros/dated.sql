{# Is a dated seed row in force on the day? valid_to is the last day, 9999-12-31 is "until further notice". #}
{% macro in_force(alias) -%}
    {{ as_of() }} between {{ alias }}.valid_from and {{ alias }}.valid_to
{%- endmacro %}


{# One parameter of the risk score in force on the day. Two rows in force at once fail the query, as they should. #}
{% macro weight(rule_code, item) -%}
    (
        select w.value from {{ ref('risk_weights') }} as w
        where w.rule_code = '{{ rule_code }}' and w.item = '{{ item }}' and {{ in_force('w') }}
    )
{%- endmacro %}
