-- Which enterprise runs which premises: true since the place opened (valid), and known to the hub from the run that found
-- it to the one that found otherwise (known). A place code names both; runs of all kinds are numbered in one sequence.
-- Places that the register deleted were run by somebody too.
with place as (
    select record_key, entity_key as premises_key, from_run, to_run
    from {{ source('resolution', 'membership') }}
    where kind = 'premises' and system = 'safety_inspection' and stream = 'premises'
),

firm as (
    select record_key, entity_key as enterprise_key, from_run, to_run
    from {{ source('resolution', 'membership') }}
    where kind = 'enterprise' and system = 'safety_inspection' and stream = 'premises'
)

select
    premises.premises_code,
    place.premises_key,
    firm.enterprise_key,
    premises.opened_on as valid_from,
    null::date as valid_to,
    greatest(place.from_run, firm.from_run) as known_from_run,
    least(place.to_run, firm.to_run) as known_to_run
from {{ ref('int_premises_version') }} as premises
inner join place on place.record_key = premises.record_key
inner join firm
    on firm.record_key = premises.record_key
    and firm.from_run < coalesce(place.to_run, firm.from_run + 1)
    and place.from_run < coalesce(firm.to_run, place.from_run + 1)
