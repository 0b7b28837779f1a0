-- Rows behind the safety colours that wait in quarantine, by the premises that they are about: what a row names itself,
-- where the record landed before, or what resolution says of another version of it. One that names several makes all of
-- them doubtful. Null: of nobody known, so that it can be of any. Licences concern producers of hazardous chemicals
-- alone, as in the gates. What the rows say beyond that is not read: they may say anything.
with held as (
    select
        waiting.*,
        row_number() over (order by waiting.input, waiting.record_key, waiting.refers::text) as held_no
    from {{ held_rows([
        ['safety_inspection', 'premises'], ['safety_inspection', 'inspections'], ['safety_inspection', 'hazards'],
        ['hazmat_enterprise', 'licences']
    ] + risk_point_inputs()) }} as waiting
),

-- Of a message the device is known, and where it hangs or hung.
record as (
    select held_no, input, system, stream, record_key from held
    union all
    select held.held_no, 'smoke_sensor.installations', 'smoke_sensor', 'installations', hung.install_no
    from held
    inner join {{ ref('stg_smoke_sensor__installations') }} as hung
        on hung.device_id = split_part(held.record_key, '|', 1)
    where held.input = 'smoke_sensor.messages'
),

by_code as (
    select held_no, refers ->> 'premises_code' as premises_code from held
    union
    select held_no, record_key from record where input = 'safety_inspection.premises'
    union
    select held.held_no, visit.premises_code
    from held
    inner join {{ ref('fct_inspection') }} as visit on visit.inspection_no = held.refers ->> 'inspection_no'
    union
    select record.held_no, visit.premises_code
    from record
    inner join {{ ref('fct_inspection') }} as visit on visit.inspection_no = record.record_key
    where record.input = 'safety_inspection.inspections'
    union
    select record.held_no, hazard.premises_code
    from record
    inner join {{ ref('fct_hazard') }} as hazard on hazard.hazard_no = record.record_key
    where record.input = 'safety_inspection.hazards'
    union
    select record.held_no, fire.premises_code
    from record
    inner join {{ ref('int_premises_fire') }} as fire on fire.incident_no = record.record_key
    where record.input = 'fire_119.incidents'
    union
    select record.held_no, hung.premises_code
    from record
    inner join {{ ref('stg_smoke_sensor__installations') }} as hung on hung.install_no = record.record_key
    where record.input = 'smoke_sensor.installations'
),

-- Decisions and licences are the firm's; a document of the fire service and a sensor have their place.
by_entity as (
    select record.held_no, record.input, member.kind, member.entity_key
    from record
    inner join {{ source('resolution', 'membership') }} as member
        on member.to_run is null and member.system = record.system and member.stream = record.stream
        and member.record_key = record.record_key
        and (
            member.kind = 'premises'
            or (
                member.kind = 'enterprise'
                and record.input in ('administrative_penalty.penalties', 'hazmat_enterprise.licences')
            )
        )
),

about as (
    select by_code.held_no, premises.premises_code, premises.category
    from by_code
    inner join {{ ref('dim_premises') }} as premises on premises.premises_code = by_code.premises_code
    union
    select by_entity.held_no, premises.premises_code, premises.category
    from by_entity
    inner join {{ ref('dim_premises') }} as premises
        on case by_entity.kind when 'premises' then premises.premises_key else premises.enterprise_key end
        = by_entity.entity_key
)

select held.input, about.premises_code, count(*)::integer as rows_held
from held
left join about on about.held_no = held.held_no
where about.category = 'hazmat_producer' or held.input <> 'hazmat_enterprise.licences' or about.premises_code is null
group by held.input, about.premises_code
