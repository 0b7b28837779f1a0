-- Children in need on the civil affairs office's list. Neither the child's name nor the guardian's numbers leave staging:
-- what the office must know is whether the guardian can be reached and paid.
select
    child.child_no,
    member.entity_key as resident_key,
    {{ by_name('member') }} as by_name,
    child.category,
    child.state,
    child.valid_from,
    community.community_code,
    -- Asked for each child by itself: they are few, and all numbers of the town are many.
    (
        select guardian.resident_key
        from {{ ref('int_resident_number') }} as guardian
        where guardian.resident_id = child.guardian_id
    ) as guardian_key,
    child.guardian_phone is not null as has_guardian_phone,
    child.account_no is not null as has_guardian_account
from {{ ref('stg_children_in_need__children') }} as child
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'resident' and member.to_run is null and member.system = 'children_in_need'
    and member.stream = 'children' and member.record_key = child.record_key
left join {{ ref('dim_community') }} as community on community.name = child.community
