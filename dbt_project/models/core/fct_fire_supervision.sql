-- Inspections by the fire service. Their documents name units by word and door: which premises and firm are meant is for
-- resolution to say, and null until it does.
select
    inspection.document_no,
    firm.entity_key as enterprise_key,
    place.entity_key as premises_key,
    inspection.unit_name,
    inspection.address,
    inspection.kind,
    inspection.inspected_on,
    inspection.hazards,
    inspection.major_hazard,
    inspection.result,
    inspection.due_on,
    inspection.corrected_on,
    case
        when inspection.result = 'pass' or inspection.due_on is null then null
        when inspection.corrected_on is not null then inspection.corrected_on > inspection.due_on
        else {{ as_of() }} > inspection.due_on
    end as late
from {{ ref('stg_fire_supervision__inspections') }} as inspection
left join {{ source('resolution', 'membership') }} as firm
    on firm.kind = 'enterprise' and firm.to_run is null and firm.system = 'fire_supervision'
    and firm.stream = 'inspections' and firm.record_key = inspection.record_key
left join {{ source('resolution', 'membership') }} as place
    on place.kind = 'premises' and place.to_run is null and place.system = 'fire_supervision'
    and place.stream = 'inspections' and place.record_key = inspection.record_key
