-- The grids by the border in force. Where an old border was never ended, the newest one stands.
with in_force as (
    select distinct on (grid_code)
        grid_code,
        community_code,
        name,
        longitude,
        latitude,
        valid_from,
        geometry
    from {{ ref('stg_grid_map__grids') }}
    where {{ as_of() }} between valid_from and coalesce(valid_to, date '9999-12-31')
    order by grid_code, valid_from desc
)

select
    grid.grid_code,
    grid.community_code,
    grid.name,
    community.name as community_name,
    grid.longitude,
    grid.latitude,
    grid.valid_from,
    grid.geometry
from in_force as grid
left join {{ ref('dim_community') }} as community on community.community_code = grid.community_code
