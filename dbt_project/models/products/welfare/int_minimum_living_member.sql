-- Members of the minimum-living register as residents, with what is in force on the day. The amount is approved for
-- the family; each member's share of it is shown.
with member as (
    select
        link.entity_key as resident_key,
        person.record_key,
        person.family_no,
        person.category,
        person.approved_amount,
        person.valid_to,
        person.valid_from <= {{ as_of() }} and coalesce(person.valid_to, 'infinity'::date) >= {{ as_of() }} as in_force
    from {{ ref('stg_minimum_living__members') }} as person
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'minimum_living'
        and link.stream = 'members' and link.record_key = person.record_key
)

select
    resident_key,
    record_key,
    family_no,
    category,
    (approved_amount / count(*) over (partition by family_no, category, in_force))::numeric(12, 2) as share_of_amount,
    valid_to,
    in_force
from member
