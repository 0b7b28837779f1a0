-- Patrols of the safety staff that found something at premises they named, where resolution could tell which. A patrol
-- that named none says nothing of whoever is nearby. Of two codes of one premises each has it.
select
    patrol.patrol_no,
    premises.premises_code,
    {{ local_date('patrol.patrolled_at') }} as found_on,
    patrol.hazard_kind
from {{ ref('stg_safety_patrol__patrols') }} as patrol
inner join {{ source('resolution', 'membership') }} as place
    on place.kind = 'premises' and place.to_run is null and place.system = 'safety_patrol'
    and place.stream = 'patrols' and place.record_key = patrol.record_key
inner join {{ ref('dim_premises') }} as premises on premises.premises_key = place.entity_key
where patrol.found = 'hazard'
