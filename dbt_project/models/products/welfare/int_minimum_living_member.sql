-- Members of the minimum-living register as residents, with what is in force on the day. The amount is approved for
-- the family; each member's share of it is shown, and the shares add up to it. A register that lists somebody no more
-- does not say that the need ended, and half an export says nothing at all: whoever vanished while approved has an
-- approval until the day before, for as long as a policy asks about one that ended.
-- A member by the name alone may be a namesake: such a record counts only where no other does as much.
with listed as (
    select
        link.entity_key as resident_key,
        person.record_key,
        person.family_no,
        person.member_no,
        person.category,
        person.approved_amount,
        person.valid_from,
        person.valid_to,
        null::date as withdrawn_on,
        {{ by_name('link') }} as by_name
    from {{ ref('stg_minimum_living__members') }} as person
    inner join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'minimum_living'
        and link.stream = 'members' and link.record_key = person.record_key
),

vanished as (
    select distinct on (told.record_key)
        told.*,
        least({{ local_date('told.seen_to') }}, {{ as_of() }}) as vanished_on
    from {{ ref('int_minimum_living_version') }} as told
    where not exists (
        select 1 from {{ ref('stg_minimum_living__members') }} as person where person.record_key = told.record_key
    )
    order by told.record_key, told.first_load desc
),

withdrawn as (
    select
        link.entity_key as resident_key,
        vanished.record_key,
        vanished.family_no,
        vanished.member_no,
        vanished.category,
        vanished.approved_amount,
        vanished.valid_from,
        least(vanished.valid_to, vanished.vanished_on - 1) as valid_to,
        case when coalesce(vanished.valid_to >= vanished.vanished_on, true) then vanished.vanished_on end as withdrawn_on,
        link.by_name
    from vanished
    inner join ({{ whose_last('resident', [['minimum_living', 'members']]) }}) as link
        on link.record_key = vanished.record_key
    where vanished.valid_from < vanished.vanished_on
),

member as (
    select
        approval.*,
        approval.valid_from <= {{ as_of() }} and coalesce(approval.valid_to, 'infinity'::date) >= {{ as_of() }} as in_force
    from (
        select * from listed
        union all
        select *
        from withdrawn
        where resident_key is not null and valid_to >= {{ as_of() }} - (
            select max(asked.value)::integer
            from {{ ref('policy_parameters') }} as asked
            where asked.item = 'contact_days' and {{ in_force('asked') }}
        )
    ) as approval
),

placed as (
    select
        *,
        count(*) over (partition by family_no, category, in_force) as members,
        row_number() over (partition by family_no, category, in_force order by member_no, record_key) as place
    from member
),

weighed as (
    select
        placed.*,
        bool_or(not by_name) over (partition by resident_key) as surely_known,
        coalesce(bool_or(in_force and not by_name) over (partition by resident_key), false) as surely_approved
    from placed
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
    withdrawn_on,
    in_force,
    by_name
from weighed
where not by_name or not surely_known or (in_force and not surely_approved)
