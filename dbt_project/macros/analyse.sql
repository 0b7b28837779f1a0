{# Statistics for a table that was made; nothing for a view, nor for one of which a few rows changed. #}
{% macro analyse() -%}
    {%- set chain = model.config.meta.get('by_changes', {}).get('chain') -%}
    {%- if model.config.materialized == 'table' or (model.config.materialized == 'by_changes' and not by_changes(chain)) -%}
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
