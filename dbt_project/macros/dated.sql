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


{# One parameter of a welfare policy in force on the day. Two rows in force at once fail the query, as they should. #}
{% macro policy_parameter(policy_code, parameter) -%}
    (
        select stated.value from {{ ref('policy_parameters') }} as stated
        where stated.policy_code = '{{ policy_code }}' and stated.parameter = '{{ parameter }}'
            and {{ in_force('stated') }}
    )
{%- endmacro %}


{# One parameter of a product in force on the day. Two rows in force at once fail the query, as they should. #}
{% macro parameter(product, item) -%}
    (
        select p.value from {{ ref('product_parameters') }} as p
        where p.product = '{{ product }}' and p.item = '{{ item }}' and {{ in_force('p') }}
    )
{%- endmacro %}


{# The version of a product's parameters on the day. #}
{% macro parameter_version(product) -%}
    (
        select min(p.version) from {{ ref('product_parameters') }} as p
        where p.product = '{{ product }}' and {{ in_force('p') }}
    )
{%- endmacro %}
