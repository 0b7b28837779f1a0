-- One row per resident whom resolution knows. Each golden value is the first that a register states, registers in the
-- order of their rank, then the most recent record, and names the record it came from. One pass over all records: they
-- are the largest thing that the warehouse sorts.
-- A number that resolution set aside (borrowed) is another person's, and says nothing of who the record stands with.
-- A record that is a resident's by its name alone (a probable link) may be a namesake's: it states no golden value, and
-- what it would decide by itself, a death or a removal, is in doubt.
with notice as (
    select
        deaths.resident_id,
        deaths.died_on,
        member.entity_key,
        {{ in_doubt('member', 'review') }} as in_doubt,
        member.borrowed and review.record_key is not null
        and (member.link_kind, member.reason) is distinct from ('steward', 'must_link') as number_in_doubt
    from {{ ref('stg_death_register__deaths') }} as deaths
    left join {{ source('resolution', 'membership') }} as member
        on member.kind = 'resident' and member.to_run is null and member.system = 'death_register'
        and member.stream = 'deaths' and member.record_key = deaths.record_key
    left join {{ source('resolution', 'open_review') }} as review
        on review.kind = 'resident' and review.system = 'death_register' and review.stream = 'deaths'
        and review.record_key = deaths.record_key
),

-- A notice of death that resolution has placed counts for that resident alone; one it has not placed counts for the
-- bearer of exactly that identity number.
placed_death as (
    select entity_key, min(died_on) as died_on
    from notice
    where entity_key is not null and not in_doubt
    group by entity_key
),

-- By a name alone a notice makes nobody dead, nor by a number that may be a brother's. Where resolution set the number
-- aside, its bearer may be dead too until a steward has said whose the notice is.
doubtful_death as (
    select distinct entity_key from notice where in_doubt
),

doubtful_number as (
    select distinct resident_id from notice where number_in_doubt
),

unplaced_death as (
    select resident_id, min(died_on) as died_on from notice where entity_key is null group by resident_id
),

-- The door is looked up before records are gathered (offset 0: and stays so): of the records of residents PostgreSQL
-- expects one, and would read the register of doors once for each.
person as (
    select told.*, home.community_code as home_community_code
    from {{ ref('int_person_record') }} as told
    left join {{ ref('stg_standard_address__addresses') }} as home on home.address_code = told.address_code
    offset 0
),

record as (
    select
        member.entity_key,
        {{ source_record('person') }},
        case when member.borrowed is not true then person.resident_id end as resident_id,
        person.name,
        person.sex,
        person.birth_date,
        person.phone,
        person.address,
        person.community_code,
        person.registration_state,
        person.updated_at,
        ranking.source_rank,
        person.home_community_code,
        {{ by_name('member') }} as by_name,
        unplaced_death.died_on,
        doubtful_number.resident_id is not null as number_in_doubt
    from person
    inner join {{ source('resolution', 'membership') }} as member
        on member.kind = 'resident' and member.to_run is null and member.system = person.system
        and member.stream = person.stream and member.record_key = person.record_key
    inner join {{ ref('resident_source_rank') }} as ranking
        on ranking.system = person.system and {{ in_force("ranking") }}
    left join unplaced_death
        on unplaced_death.resident_id = person.resident_id and member.borrowed is not true
    left join doubtful_number
        on doubtful_number.resident_id = person.resident_id and member.borrowed is not true
    where {{ is_changed('residents', 'dim_resident', 'member.entity_key') }}
),

golden as (
    select
        entity_key,
        {{ golden('resident_id', among='not by_name') }},
        {{ golden('name', among='not by_name') }},
        {{ golden('sex', "sex in ('male', 'female')", among='not by_name') }},
        {{ golden('birth_date', among='not by_name') }},
        {{ golden('phone', among='not by_name') }},
        {{ golden('address', among='not by_name') }},
        {{ golden('home_community_code', among='not by_name') }},
        {{ golden('community_code', among='not by_name') }},
        coalesce(bool_or(registration_state = 'normal'), false) as hukou_here,
        coalesce(bool_or(registration_state = 'normal' and not by_name), false) as surely_here,
        coalesce(bool_or(registration_state = 'moved_out'), false) as registered_away,
        coalesce(bool_or(registration_state = 'moved_out' and not by_name), false) as surely_away,
        coalesce(bool_or(registration_state = 'dead'), false) as registered_dead,
        coalesce(bool_or(registration_state = 'dead' and not by_name), false) as surely_dead,
        bool_or(number_in_doubt) as number_in_doubt,
        min(died_on) filter (where not by_name) as died_on,
        count(*)::integer as record_count
    from record
    group by entity_key
)

select
    entity.entity_key as resident_key,
    golden.resident_id,
    {{ system_of('golden.resident_id_record') }} as resident_id_source,
    golden.resident_id_record,
    golden.name,
    {{ system_of('golden.name_record') }} as name_source,
    golden.name_record,
    -- A stated identity number is a valid one (conform withholds the others): it tells sex and birth date.
    case
        when golden.resident_id is null then golden.sex
        when substr(golden.resident_id, 17, 1) in ('1', '3', '5', '7', '9') then 'male'
        else 'female'
    end as sex,
    {{ system_of('case when golden.resident_id is null then golden.sex_record else golden.resident_id_record end') }}
        as sex_source,
    case when golden.resident_id is null then golden.sex_record else golden.resident_id_record end as sex_record,
    case
        when golden.resident_id is null then golden.birth_date
        else {{ birth_date_of_id('golden.resident_id') }}
    end as birth_date,
    {{ system_of('case when golden.resident_id is null then golden.birth_date_record else golden.resident_id_record end') }}
        as birth_date_source,
    case when golden.resident_id is null then golden.birth_date_record else golden.resident_id_record
    end as birth_date_record,
    golden.phone,
    {{ system_of('golden.phone_record') }} as phone_source,
    golden.phone_record,
    golden.address,
    {{ system_of('golden.address_record') }} as address_source,
    golden.address_record,
    coalesce(golden.home_community_code, golden.community_code) as community_code,
    {{ system_of('coalesce(golden.home_community_code_record, golden.community_code_record)') }} as community_code_source,
    coalesce(golden.home_community_code_record, golden.community_code_record) as community_code_record,
    golden.hukou_here,
    golden.hukou_here and not golden.surely_here as hukou_by_name,
    -- Known to have left: unlike a resident of whom the permanent register knows nothing.
    golden.surely_away and not golden.hukou_here as moved_out,
    golden.registered_away and not golden.surely_here and (golden.hukou_here or not golden.surely_away)
        as may_have_moved_out,
    placed_death.entity_key is not null or golden.died_on is not null or golden.surely_dead as is_deceased,
    (doubtful_death.entity_key is not null or golden.number_in_doubt or golden.registered_dead)
    and placed_death.entity_key is null and golden.died_on is null and not golden.surely_dead as may_be_deceased,
    least(placed_death.died_on, golden.died_on) as died_on,
    golden.record_count
from golden
inner join {{ source('resolution', 'entity') }} as entity
    on entity.entity_key = golden.entity_key and entity.kind = 'resident' and entity.status = 'active'
left join placed_death on placed_death.entity_key = golden.entity_key
left join doubtful_death on doubtful_death.entity_key = golden.entity_key
