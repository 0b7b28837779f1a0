{# The day that products speak of, as a date literal. Parsing needs no day; compiling and building do. #}
{% macro as_of() -%}
    {%- if not execute -%}
        date '2000-01-01'
    {%- else -%}
        {%- set day = var('as_of', '') | string -%}
        {%- if not modules.re.match('^[0-9]{4}-[0-9]{2}-[0-9]{2}$', day) -%}
            {{ exceptions.raise_compiler_error(
                "The day is missing or malformed: pass --vars '{as_of: YYYY-MM-DD}' (got '" ~ day ~ "').") }}
        {%- endif -%}
        date '{{ day }}'
    {%- endif -%}
{%- endmacro %}


{# The day of an instant by the town's clock, whatever the session's time zone is. #}
{% macro local_date(instant) -%}
    ({{ instant }} at time zone 'Asia/Shanghai')::date
{%- endmacro %}
