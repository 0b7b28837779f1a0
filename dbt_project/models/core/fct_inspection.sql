select
    inspection.inspection_no,
    inspection.premises_code,
    inspection.inspector,
    inspection.inspected_at,
    {{ local_date('inspection.inspected_at') }} as inspected_on,
    inspection.kind,
    inspection.result,
    premises.premises_code is not null as premises_known
from {{ ref('stg_safety_inspection__inspections') }} as inspection
left join {{ ref('dim_premises') }} as premises on premises.premises_code = inspection.premises_code
