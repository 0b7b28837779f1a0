{#
  What the points and gates of the premises score rest on beside the safety office's own tables. Without one of them the
  points may be too few, and only a gate that is known is still certain. Licences matter to producers of hazardous
  chemicals alone: they stand apart.
#}
{% macro risk_point_inputs() -%}
    {{ return([
        ['fire_119', 'incidents'], ['smoke_sensor', 'installations'], ['smoke_sensor', 'messages'],
        ['fire_supervision', 'inspections'], ['administrative_penalty', 'penalties'], ['safety_patrol', 'patrols']
    ]) }}
{%- endmacro %}
