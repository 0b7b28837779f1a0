-- Findings of inspections that still stand. A premises becomes worse the moment somebody finds something, and better only
-- when somebody else has looked and passed it: a finding stands until a later inspection by another known inspector
-- passes, whatever time goes by. Hazards on record stand by themselves until somebody else has seen them mended
-- (fct_hazard); here is what an inspection found without a hazard that tells what became of it. A re-inspection that
-- fails finds nothing new while the hazard it was about is open; after it stands as a finding of whoever found first.
-- Derived from the visits alone, so that building again, or after a rollback, says the same.
with visit as (
    select inspection_no, premises_code, nullif(trim(inspector), '') as inspector, inspected_at, inspected_on, kind, result
    from {{ ref('fct_inspection') }}
    where inspected_on <= {{ as_of() }}
),

-- Who found what a failed re-inspection was about.
first_found as (
    select distinct on (again.inspection_no) again.inspection_no, earlier.inspector
    from visit as again
    inner join visit as earlier
        on earlier.premises_code = again.premises_code and earlier.inspected_at < again.inspected_at
        and earlier.kind <> 'reinspection' and earlier.result <> 'pass'
    where again.kind = 'reinspection' and again.result <> 'pass'
    order by again.inspection_no, earlier.inspected_at desc, earlier.inspection_no desc
),

finding as (
    select
        visit.*,
        case when first_found.inspection_no is null then visit.inspector else first_found.inspector end as found_by
    from visit
    left join first_found on first_found.inspection_no = visit.inspection_no
    where visit.result <> 'pass'
)

select
    finding.premises_code,
    finding.inspection_no,
    finding.inspected_on as found_on,
    finding.kind,
    finding.found_by
from finding
where not exists (
        select 1 from {{ ref('fct_hazard') }} as hazard where hazard.inspection_no = finding.inspection_no
    )
    and not (
        finding.kind = 'reinspection'
        and exists (
            select 1
            from {{ ref('fct_hazard') }} as hazard
            where hazard.premises_code = finding.premises_code and hazard.found_on <= finding.inspected_on
                and (hazard.state <> 'closed' or hazard.fixed_on > {{ as_of() }})
        )
    )
    and not exists (
        select 1
        from visit as later
        where later.premises_code = finding.premises_code and later.result = 'pass'
            and later.inspected_at > finding.inspected_at
            -- Who is not known may be the same.
            and later.inspector <> finding.found_by
    )
