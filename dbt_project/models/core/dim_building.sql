-- Office buildings. Their places are drawn in a plane whose parameters nobody holds: a guess would move a building by
-- a grid or more, so none has a position here. Floors are what lifts call them and count nothing.
select
    building_code,
    name,
    address,
    floor_labels,
    area_sqm,
    completed as completed_year,
    manager
from {{ ref('stg_building_economy__buildings') }}
