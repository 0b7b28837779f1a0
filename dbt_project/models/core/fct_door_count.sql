-- How many passed each gate of an estate in each hour. An hour that a gate did not tell is not there: it is no zero.
select
    counted.device_no,
    counted.hour,
    {{ local_date('counted.hour') }} as counted_on,
    gate.estate,
    community.community_code,
    counted.passes_in::integer as passes_in,
    counted.passes_out::integer as passes_out
from {{ ref('stg_smart_community__hourly_counts') }} as counted
left join {{ ref('stg_smart_community__devices') }} as gate on gate.device_no = counted.device_no
left join {{ ref('dim_community') }} as community on community.community_code = gate.community_code
