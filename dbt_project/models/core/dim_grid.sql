select
    grid.grid_code,
    grid.community_code,
    grid.name,
    community.name as community_name,
    grid.longitude,
    grid.latitude
from {{ ref('stg_standard_address__grids') }} as grid
left join {{ ref('stg_standard_address__communities') }} as community on community.community_code = grid.community_code
