-- The doors of the address register by what other registers call them (see door_key): its words are taken apart once, and
-- not in every model that asks where an address is.
select
    address_code,
    {{ door_key('full_address') }} as door_key,
    community_code,
    grid_code
from {{ ref('stg_standard_address__addresses') }}
where {{ is_changed('doors', 'int_door', 'address_code') }}
