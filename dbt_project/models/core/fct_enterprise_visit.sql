-- Visits of the town's staff to enterprises. The text of a problem and the contact name people: neither leaves staging.
select
    visit.visit_no,
    member.entity_key as enterprise_key,
    visit.enterprise_name,
    visit.visitor,
    visit.visited_at,
    {{ local_date('visit.visited_at') }} as visited_on,
    visit.purpose,
    visit.problem_kind,
    visit.state,
    visit.solved_on
from {{ ref('stg_enterprise_visit__visits') }} as visit
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'enterprise' and member.to_run is null and member.system = 'enterprise_visit'
    and member.stream = 'visits' and member.record_key = visit.record_key
