-- Coded premises. A grid code that is not on the map is dropped, not guessed. Nothing here comes from the tax or the
-- person registers: these premises feed the safety score.
select
    premises.premises_code,
    coalesce(place.entity_key, premises.premises_code) as premises_key,
    firm.entity_key as enterprise_key,
    premises.name,
    premises.category,
    premises.credit_code,
    premises.address,
    premises.longitude,
    premises.latitude,
    grid.grid_code,
    grid.community_code,
    premises.state,
    premises.opened_on
from {{ ref('stg_safety_inspection__premises') }} as premises
left join {{ ref('dim_grid') }} as grid on grid.grid_code = premises.grid_code
left join {{ source('resolution', 'membership') }} as place
    on place.kind = 'premises' and place.to_run is null and place.system = 'safety_inspection'
    and place.stream = 'premises' and place.record_key = premises.record_key
left join {{ source('resolution', 'membership') }} as firm
    on firm.kind = 'enterprise' and firm.to_run is null and firm.system = 'safety_inspection'
    and firm.stream = 'premises' and firm.record_key = premises.record_key
