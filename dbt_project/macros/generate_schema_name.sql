{# Schemas are created by migration and carry the grants: a model goes to exactly the schema it names. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
