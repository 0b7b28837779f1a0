-- The city's indicators by department and day. A unit of ten thousands becomes the unit itself. Departments count in
-- their own ways: values of one indicator under several definitions are not to be laid side by side.
with stated as (
    select
        indicator_code,
        provider,
        stated_on,
        name,
        definition,
        trim(unit) as unit,
        value::numeric as value
    from {{ ref('stg_city_brain__indicators') }}
),

defined as (
    select indicator_code, count(distinct definition)::integer as definitions
    from stated
    group by indicator_code
)

select
    stated.indicator_code,
    stated.provider,
    stated.stated_on,
    stated.name,
    stated.definition,
    case when stated.unit like '万_%' then substr(stated.unit, 2) else stated.unit end as unit,
    (stated.value * case when stated.unit like '万_%' then 10000 else 1 end)::numeric(20, 4) as value,
    defined.definitions
from stated
inner join defined on defined.indicator_code = stated.indicator_code
