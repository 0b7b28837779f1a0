{# A member's share of what a family is due, in whole cents; the cents left over are the first member's, so that the
   shares add up to the amount. #}
{% macro family_share(amount, members, place) -%}
trunc({{ amount }} / {{ members }}, 2)
    + case when {{ place }} = 1 then {{ amount }} - {{ members }} * trunc({{ amount }} / {{ members }}, 2) else 0 end
{%- endmacro %}
