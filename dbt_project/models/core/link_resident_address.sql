-- Where a resident lives, as each register that says so has it: true from one day to another (valid), and told to the hub
-- from one moment to another (known). A change of telephone is no move: versions with one address are one row. Where a
-- register names no day, its change of address is the day of the move.
-- What a record told while it was another person's is no stay of whom it speaks of now.
-- The door is looked up before anything is grouped: of the stays PostgreSQL expects one, and would read the register of
-- doors once for each.
with anothers as (
    {{ became_anothers('resident', [['household_registry', 'residents'], ['migrant_registry', 'registrations']]) }}
),

placed as (
    select
        told.system,
        told.stream,
        told.record_key,
        told.address,
        told.address_code,
        coalesce(told.community_code, home.community_code) as community_code,
        told.stated_from,
        told.stated_to,
        told.told_on,
        told.first_load,
        told.seen_from,
        told.seen_to
    from {{ ref('int_residence_version') }} as told
    left join {{ ref('stg_standard_address__addresses') }} as home on home.address_code = told.address_code
    left join anothers
        on anothers.system = told.system and anothers.stream = told.stream and anothers.record_key = told.record_key
    where coalesce(told.seen_to > anothers.found_at, true)
        and {{ is_changed('residents', 'link_resident_address', 'told.record_key') }}
),

compared as (
    select
        told.*,
        (told.address_code, told.address)
        is distinct from lag((told.address_code, told.address)) over record as moved,
        lag(told.record_key) over record is null as earliest
    from placed as told
    window record as (partition by told.system, told.stream, told.record_key order by told.seen_from, told.first_load)
),

numbered as (
    select
        compared.*,
        count(*) filter (where moved) over (
            partition by system, stream, record_key order by seen_from, first_load
        ) as stay
    from compared
),

told_stay as (
    select
        system,
        stream,
        record_key,
        stay,
        min(address) as address,
        min(address_code) as address_code,
        (array_agg(community_code order by seen_from desc, first_load desc))[1] as community_code,
        (array_agg(stated_from order by seen_from desc, first_load desc))[1] as stated_from,
        (array_agg(stated_to order by seen_from desc, first_load desc))[1] as stated_to,
        min(told_on) filter (where moved and not earliest) as moved_on,
        min(seen_from) as known_from,
        case when bool_or(seen_to is null) then null else max(seen_to) end as known_to
    from numbered
    group by system, stream, record_key, stay
),

-- A day that stood there for the address before is not that of the move.
begun as (
    select
        told_stay.*,
        case
            when (stated_from > lag(stated_from) over record) is not false then coalesce(stated_from, moved_on)
            else moved_on
        end as begun_on
    from told_stay
    window record as (partition by system, stream, record_key order by stay)
),

-- No stay begins before the ones that it followed.
valid as (
    select begun.*, max(begun_on) over (partition by system, stream, record_key order by stay) as valid_from
    from begun
),

-- It ends when it was said to, or with the next one.
stay as (
    select
        valid.*,
        least(stated_to, lead(valid_from) over (partition by system, stream, record_key order by stay)) as ended_on
    from valid
),

-- Of a record that its register deleted what it told stays true: it is where it was last.
last_link as (
    {{ whose_last(
        'resident', [['household_registry', 'residents'], ['migrant_registry', 'registrations']],
        among=is_changed('residents', 'link_resident_address', 'link.record_key')
    ) }}
)

select
    link.entity_key as resident_key,
    stay.system,
    stay.stream,
    stay.record_key,
    stay.address,
    stay.address_code,
    stay.community_code,
    stay.valid_from,
    case when stay.ended_on is not null then greatest(stay.valid_from, stay.ended_on) end as valid_to,
    stay.known_from,
    stay.known_to
from stay
inner join last_link as link
    on link.system = stay.system and link.stream = stay.stream and link.record_key = stay.record_key
where link.entity_key is not null
