-- Old people whom the care service knows, with what their assessment is worth on the day: one that ran out says nothing
-- about today, and somebody never assessed is not thereby able.
select
    elder.elder_no,
    member.entity_key as resident_key,
    {{ by_name('member') }} as by_name,
    elder.level,
    elder.assessed_on,
    elder.valid_to,
    case
        when elder.level is null then 'never'
        when elder.valid_to is null then 'unknown'
        when elder.valid_to >= {{ as_of() }} then 'valid'
        else 'lapsed'
    end as assessment,
    elder.care,
    community.community_code,
    elder.state
from {{ ref('stg_elderly_service__elders') }} as elder
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'resident' and member.to_run is null and member.system = 'elderly_service'
    and member.stream = 'elders' and member.record_key = elder.record_key
left join {{ ref('dim_community') }} as community on community.community_code = elder.community_code
