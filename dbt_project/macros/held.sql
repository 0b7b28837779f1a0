{#
  Rows of the listed inputs that wait in quarantine now: input ('system.stream'), system, stream, record_key (null where
  none could be read) and refers, the things of the town that they name. They may say anything, so one rule holds
  wherever they are asked for: a row that can be told to be about a thing makes what is good about it unknown and leaves
  what is bad; one that cannot is counted in rows_held_unplaced; and a stream of which too much waits is not usable
  (see dim_input).
  inputs: list of [system, stream]
#}
{% macro held_rows(inputs) -%}
(
    select
        h.system || '.' || h.stream as input,
        h.system,
        h.stream,
        h.record_key,
        h.refers
    from {{ source('control', 'held_rows') }} as h
    where h.system || '.' || h.stream in (
        {%- for system, stream in inputs %}'{{ system }}.{{ stream }}'{{ ', ' if not loop.last }}{% endfor -%}
    )
)
{%- endmacro %}


{#
  The same by what they are about: thing (null where it cannot be told), rows_held, inputs.
  thing: an SQL expression over the columns of held_rows
#}
{% macro held_about(inputs, thing) -%}
(
    select
        {{ thing }} as thing,
        count(*)::integer as rows_held,
        array_agg(distinct waiting.input order by waiting.input) as inputs
    from {{ held_rows(inputs) }} as waiting
    group by 1
)
{%- endmacro %}


{# How many of them are about none of the things of a model: they may be about any, or about one that never landed. #}
{% macro held_unplaced(held, model, key) -%}
(
    select coalesce(sum(waiting.rows_held), 0)::integer
    from {{ held }} as waiting
    where not exists (select 1 from {{ model }} as known where known.{{ key }} = waiting.thing)
)
{%- endmacro %}


{# How many rows of the listed inputs wait, where what they are about cannot or may not be told. #}
{% macro rows_held(inputs) -%}
(
    select coalesce(sum(i.rows_held), 0)::integer
    from {{ ref('dim_input') }} as i
    where i.system || '.' || i.stream in (
        {%- for system, stream in inputs %}'{{ system }}.{{ stream }}'{{ ', ' if not loop.last }}{% endfor -%}
    )
)
{%- endmacro %}


{# All registers that a policy may rest on (seed policy_inputs), and payment orders, as [system, stream]. #}
{% macro welfare_registers() -%}
    {{ return([
        ['children_in_need', 'children'], ['disability_certificate', 'certificates'],
        ['disability_certificate', 'surveys'], ['elderly_service', 'elders'], ['household_registry', 'residents'],
        ['minimum_living', 'members'], ['pension', 'illnesses'], ['pension', 'pensioners'],
        ['welfare_payment', 'applications'], ['welfare_payment', 'payments']
    ]) }}
{%- endmacro %}
