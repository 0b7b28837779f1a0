-- A hazard is closed when someone other than the inspector who found it has seen it mended: the hazard's own row names who
-- looked again, and a visit of theirs after the mending passed. Who looked again may have found it as it was, so the name
-- alone proves nothing, and their last word counts. A mending that nobody else has passed, or whose finder is not known,
-- is "unconfirmed" and still counts.
with hazard as (
    select
        hazard_no,
        inspection_no,
        premises_code,
        kind,
        severity,
        found_at,
        due_on,
        fixed_at,
        nullif(trim(reinspected_by), '') as reinspected_by
    from {{ ref('stg_safety_inspection__hazards') }}
),

visit as (
    select inspection_no, premises_code, nullif(trim(inspector), '') as inspector, inspected_at, kind, result
    from {{ ref('stg_safety_inspection__inspections') }}
    where {{ local_date('inspected_at') }} <= {{ as_of() }}
),

-- A visit tells no hazard's number: what did not pass while another hazard of the premises was open is about that one. A
-- drill looks at something else.
last_word as (
    select distinct on (hazard.hazard_no) hazard.hazard_no, again.result
    from hazard
    inner join visit as again
        on again.premises_code = hazard.premises_code and again.inspector = hazard.reinspected_by
        and again.inspected_at >= hazard.fixed_at and again.kind <> 'drill'
    where again.result = 'pass'
        or not exists (
            select 1
            from hazard as other
            where other.premises_code = hazard.premises_code and other.hazard_no <> hazard.hazard_no
                and (other.found_at <= again.inspected_at or other.inspection_no = again.inspection_no)
                and (other.fixed_at is null or other.fixed_at > again.inspected_at)
        )
    order by hazard.hazard_no, again.inspected_at desc, again.inspection_no desc
)

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
        when last_word.result = 'pass' and hazard.reinspected_by <> found.inspector then 'closed'
        else 'unconfirmed'
    end as state
from hazard
left join visit as found on found.inspection_no = hazard.inspection_no
left join last_word on last_word.hazard_no = hazard.hazard_no
