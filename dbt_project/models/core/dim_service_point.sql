-- Where residents find everyday services. A point that is closed at its source is closed here; one that the map keeps
-- open after it has closed cannot be told from others.
select
    point.point_no,
    point.name,
    point.kind,
    point.address,
    community.community_code,
    point.longitude,
    point.latitude,
    point.opened_on,
    point.state = 'open' as is_open
from {{ ref('stg_service_circle__points') }} as point
left join {{ ref('stg_grid_map__communities') }} as community on community.community_code = point.community_code
