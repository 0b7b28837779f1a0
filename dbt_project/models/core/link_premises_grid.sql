-- In which grid a premises lies: true since the place opened (valid), and known to the hub from the run that gave the
-- place its key to the one that gave it another (known). A grid code that is not on the map links nothing.
select
    premises.premises_code,
    place.entity_key as premises_key,
    grid.grid_code,
    grid.community_code,
    premises.opened_on as valid_from,
    null::date as valid_to,
    place.from_run as known_from_run,
    place.to_run as known_to_run
from {{ ref('stg_safety_inspection__premises') }} as premises
inner join {{ ref('dim_grid') }} as grid on grid.grid_code = premises.grid_code
inner join {{ source('resolution', 'membership') }} as place
    on place.kind = 'premises' and place.system = 'safety_inspection'
    and place.stream = 'premises' and place.record_key = premises.record_key
