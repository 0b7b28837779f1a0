-- Households of the permanent register. Where the household lives is where most of its registered members do.
with member as (
    select
        person.household_no,
        person.relation,
        person.record_key,
        person.state,
        person.address_code,
        link.entity_key as resident_key
    from {{ ref('stg_household_registry__residents') }} as person
    left join {{ source('resolution', 'membership') }} as link
        on link.kind = 'resident' and link.to_run is null and link.system = 'household_registry'
        and link.stream = 'residents' and link.record_key = person.record_key
    where {{ is_changed('residents', 'dim_household', 'person.household_no') }}
),

household as (
    select
        household_no,
        -- GB/T 4761: 01 本人, 02 户主 and the one-digit 0 all mark the head.
        (array_agg(resident_key order by record_key) filter (where relation in ('00', '01', '02')))[1] as head_resident_key,
        count(*) filter (where state = 'normal') as member_count,
        count(distinct resident_key) filter (where state = 'normal') as resident_count,
        mode() within group (order by address_code) as address_code
    from member
    group by household_no
)

select
    household.household_no,
    household.head_resident_key,
    household.member_count::integer as member_count,
    household.resident_count::integer as resident_count,
    household.address_code,
    home.community_code,
    home.grid_code
from household
left join {{ ref('stg_standard_address__addresses') }} as home on home.address_code = household.address_code
