-- Decisions on administrative penalties. A person is a kind of party here and nothing more: no name, no key.
select
    penalty.decision_no,
    case when penalty.party_kind <> 'person' then member.entity_key end as enterprise_key,
    penalty.agency,
    penalty.party_kind,
    penalty.matter,
    penalty.kind,
    penalty.amount as amount_yuan,
    penalty.decided_on,
    penalty.state
from {{ ref('stg_administrative_penalty__penalties') }} as penalty
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'enterprise' and member.to_run is null and member.system = 'administrative_penalty'
    and member.stream = 'penalties' and member.record_key = penalty.record_key
