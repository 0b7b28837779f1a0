{# 202606, 2026/6, 2026年6月, 2026-06 → 2026-06; a year stays a year; anything else stays as received. #}
{% macro canonical_period(column) -%}
    case
        when {{ column }} ~ '^\s*[0-9]{4}\s*年?\s*$' then substring({{ column }} from '[0-9]{4}')
        when {{ column }} ~ '^\s*[0-9]{4}[-/.年]?(0?[1-9]|1[0-2])月?\s*$'
            then substring({{ column }} from '[0-9]{4}') || '-'
                || lpad(substring({{ column }} from '[0-9]{4}[-/.年]?([0-9]{1,2})'), 2, '0')
        else {{ column }}
    end
{%- endmacro %}


{#
  The birth date inside an 18-character identity number (GB 11643, positions 7–14); null where there is no such day.
  The day is compared as text with the last of its month, which costs less than date arithmetic on every row.
#}
{% macro birth_date_of_id(column) -%}
    {%- set year, month, day = 'substr(' ~ column ~ ', 7, 4)', 'substr(' ~ column ~ ', 11, 2)', 'substr(' ~ column ~ ', 13, 2)' -%}
    case
        when {{ column }} ~ '^[0-9]{6}(18|19|20|21)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]$'
            and {{ day }} <= case
                when {{ month }} in ('04', '06', '09', '11') then '30'
                when {{ month }} <> '02' then '31'
                when {{ year }}::int % 4 = 0 and ({{ year }}::int % 100 <> 0 or {{ year }}::int % 400 = 0) then '29'
                else '28'
            end
            then make_date({{ year }}::int, {{ month }}::int, {{ day }}::int)
    end
{%- endmacro %}


{# One spelling for one door: no blanks, 栋 and 号楼 as 幢. Enough to compare two sources, not to parse. #}
{% macro address_key(column) -%}
    nullif(replace(replace(regexp_replace({{ column }}, '\s', '', 'g'), '号楼', '幢'), '栋', '幢'), '')
{%- endmacro %}


{#
  The same for a door, whoever tells it: without what stands before the town, and without 室 at the end. Of a flat told
  as 3-2-501, or of a house without its flat, nothing here makes the whole.
#}
{% macro door_key(column) -%}
    regexp_replace(regexp_replace({{ address_key(column) }}, '^.*?镇', ''), '室$', '')
{%- endmacro %}


{# What residents call an estate, for its name: 锦绣花园 and 锦绣公寓 are both 锦绣小区 to them. #}
{% macro estate_alias(column) -%}
    regexp_replace(regexp_replace({{ column }}, '\s', '', 'g'), '(花园|公寓|家园|新村|苑|府|庭)', '小区')
{%- endmacro %}
