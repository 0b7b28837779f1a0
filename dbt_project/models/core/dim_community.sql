-- The communities by the border in force. Where an old border was never ended, the newest one stands.
select distinct on (community_code)
    community_code,
    name,
    valid_from,
    geometry
from {{ ref('stg_grid_map__communities') }}
where {{ as_of() }} between valid_from and coalesce(valid_to, date '9999-12-31')
order by community_code, valid_from desc
