-- Places that serve residents: the fifteen-minute circle and the service points of the party organisations.
select
    'service_circle:' || place_code as service_point_key,
    'service_circle' as source,
    name,
    kind,
    service,
    community_code,
    address,
    longitude,
    latitude,
    opening_hours,
    state
from {{ ref('stg_service_circle__places') }}
union all
select
    'party_building:' || point_code,
    'party_building',
    name,
    'party_service',
    null,
    community_code,
    address,
    longitude,
    latitude,
    opening_hours,
    'open'
from {{ ref('stg_party_building__service_points') }}
