{# Two rows of one key whose validity overlaps would make a parameter ambiguous on some day. #}
{% test never_twice_in_force(model, key) %}
select {{ key | join(', ') }}, valid_from, valid_to
from (
    select
        {{ key | join(', ') }}, valid_from, valid_to,
        lead(valid_from) over (partition by {{ key | join(', ') }} order by valid_from) as next_from
    from {{ model }}
) as dated
where valid_to is null
    or valid_to < valid_from
    or valid_to >= next_from
{% endtest %}
