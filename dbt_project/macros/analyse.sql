{# Statistics for a table; nothing for a view. #}
{% macro analyse() -%}
    {%- if model.config.materialized == 'table' -%}analyze {{ this }}{%- endif -%}
{%- endmacro %}
