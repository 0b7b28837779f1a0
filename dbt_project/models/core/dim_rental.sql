-- Homes that are let, as filed. The place is told as in the deed; where it comes down to one door of the address register
-- that door is named. Whose home it is and who lives there stays in staging: they serve the housing office alone.
-- Only doors that a filing names are grouped: most of the town are not let.
with door as (
    select
        door_key,
        min(address_code) as address_code,
        min(community_code) as community_code,
        min(grid_code) as grid_code
    from {{ ref('int_door') }}
    where door_key <> '' and door_key in (
        select {{ door_key('rental.location') }} from {{ ref('stg_property_register__rentals') }} as rental
    )
    group by door_key
    having count(*) = 1
)

select
    rental.filing_no,
    rental.property_unit,
    left(rental.property_unit, 19) as parcel,
    rental.location,
    door.address_code,
    door.community_code,
    grid.grid_code,
    rental.use,
    rental.area_sqm,
    rental.tenant_count::integer as tenant_count,
    rental.filed_on,
    rental.ended_on,
    rental.state
from {{ ref('stg_property_register__rentals') }} as rental
left join door on door.door_key = {{ door_key('rental.location') }}
left join {{ ref('dim_grid') }} as grid on grid.grid_code = door.grid_code
