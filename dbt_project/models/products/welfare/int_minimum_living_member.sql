-- Members of the minimum-living register as residents, with what is in force on the day. The amount is approved for
-- the family; each member's share of it is shown, and the shares add up to it.
with member as (
    select
        link.entity_key as resident_key,
        person.record_key,
        person.family_no,
        person.member_no,
        person.category,
        person.approved_amount,
        person.valid_from,
        person.valid_to,
        person.valid_from <= {{ as_of() }} and coalesce(person.valid_to, 'infinity'::date) >= {{ as_of() }} as in_force
    from {{ ref('stg_minimum_living__members') }} as person
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'minimum_living'
        and link.stream = 'members' and link.record_key = person.record_key
),

placed as (
    select
        *,
        count(*) over (partition by family_no, category, in_force) as members,
        row_number() over (partition by family_no, category, in_force order by member_no, record_key) as place
    from member
)

select
    resident_key,
    record_key,
    family_no,
    category,
    members,
    place,
    ({{ family_share('approved_amount', 'members', 'place') }})::numeric(12, 2) as share_of_amount,
    valid_from,
    valid_to,
    in_force
from placed
