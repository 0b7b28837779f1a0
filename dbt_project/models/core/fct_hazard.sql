-- A hazard is closed when someone other than the inspector who found it has seen it mended; a mending that nobody else
-- has seen, or whose finder is not known, is "unconfirmed" and still counts.
select
    hazard.hazard_no,
    hazard.inspection_no,
    hazard.premises_code,
    hazard.kind,
    hazard.severity,
    {{ local_date('hazard.found_at') }} as found_on,
    hazard.due_on,
    {{ local_date('hazard.fixed_at') }} as fixed_on,
    case
        when hazard.fixed_at is null then 'open'
        when hazard.reinspected_by is null or found.inspector is null or hazard.reinspected_by = found.inspector
            then 'unconfirmed'
        else 'closed'
    end as state
from {{ ref('stg_safety_inspection__hazards') }} as hazard
left join {{ ref('stg_safety_inspection__inspections') }} as found on found.inspection_no = hazard.inspection_no
