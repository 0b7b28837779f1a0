{# Is a dated seed row in force on the day? valid_to is the last day, 9999-12-31 is "until further notice". #}
{% macro in_force(alias) -%}
    {{ as_of() }} between {{ alias }}.valid_from and {{ alias }}.valid_to
{%- endmacro %}


{#
  One dated parameter in force on the day: a number. All seeds of parameters have one shape (subject, item, band_from,
  band_to, value, unit, valid_from, valid_to, version, note); this is for the items without bands. Without a value, or
  with two of them, the query fails and says which: a null would pass for "no limit", because least() and greatest()
  skip it and a comparison with it is never true. The count keeps the planner from failing ahead of the query.
  subject: what it is a parameter of: a rule, policy or product.
#}
{% macro parameter(seed, subject, item) -%}
    (
        select
            case
                when count(*) = 1 and count(p.value) = 1 then min(p.value)
                else (
                    '{{ seed }} {{ subject }}.{{ item }}: ' || count(p.value) || ' values in force on ' || {{ as_of() }}
                )::numeric
            end
        from {{ ref(seed) }} as p
        where p.subject = '{{ subject }}' and p.item = '{{ item }}' and {{ in_force('p') }}
    )
{%- endmacro %}


{# The version of a seed's parameters on the day, of one subject or of all. #}
{% macro parameter_version(seed, subject=none) -%}
    (
        select min(p.version) from {{ ref(seed) }} as p
        where {% if subject %}p.subject = '{{ subject }}' and {% endif %}{{ in_force('p') }}
    )
{%- endmacro %}
