{# Whether a record is its entity's by a lone name, and may be a namesake's. #}
{% macro by_name(link) -%}
    coalesce({{ link }}.link_kind = 'probable', false)
{%- endmacro %}


{#
  Whether whose a record is, is in doubt: it is its entity's by a lone name, a steward said whose it is not, or is asked
  whether its number is a relative's (one that was set aside has placed nothing).
#}
{% macro in_doubt(link, review) -%}
    coalesce(
        {{ link }}.link_kind = 'probable'
        or {{ link }}.link_kind = 'steward' and {{ link }}.reason = 'cannot_link'
        or {{ review }}.record_key is not null and {{ link }}.borrowed is not true and {{ link }}.link_kind <> 'steward',
        false
    )
{%- endmacro %}


{# Of a group of int_minimum_living_member: whether what it says rests on members by the name alone. #}
{% macro approved_by_name() -%}
    (bool_or(by_name and in_force) or bool_and(by_name))
{%- endmacro %}
