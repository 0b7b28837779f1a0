-- Registers minus inspected: for every premises that another register knows, whether a place code of the safety office
-- covers it. "Uncovered" is a hint where to look, with how sure it is; without the safety office's own register, or
-- without the one that names the premises, nothing is claimed. While a row about the record, or about the code that covers
-- it, waits in quarantine, it is not called covered: the record may have moved on, the code may be closed.
with parameter as (
    select
        {{ unusable_inputs([['safety_inspection', 'premises'], ['standard_address', 'addresses']]) }}
        -- Codes that no run has put beside the other registers' records cover nothing yet.
        || case
            when exists (
                select 1 from {{ source('resolution', 'membership') }} as m
                where m.kind = 'premises' and m.to_run is null and m.system = 'safety_inspection'
            ) then '{}'::text[]
            else array['resolution.premises']
        end as always
),

register_input as (
    {%- for system, stream in [
        ['construction_site', 'sites'], ['fire_supervision', 'inspections'], ['hazmat_enterprise', 'licences'],
        ['market_registration', 'enterprises'], ['property_register', 'rentals'], ['smoke_sensor', 'installations']
    ] %}
    select '{{ system }}.{{ stream }}' as register, {{ unusable_inputs([[system, stream]]) }} as missing
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- The codes, by what they can be found by: those in use first.
by_key as (
    select distinct on (premises_key) premises_key, premises_code, state
    from {{ ref('dim_premises') }}
    order by premises_key, state desc, premises_code
),

by_firm as (
    select distinct on (enterprise_key) enterprise_key, premises_code, state
    from {{ ref('dim_premises') }}
    where enterprise_key is not null
    order by enterprise_key, state desc, premises_code
),

by_door as (
    select {{ door_key('address') }} as door_key, min(premises_code) as premises_code
    from {{ ref('dim_premises') }}
    where state = 'open' and {{ door_key('address') }} <> ''
    group by 1
),

-- Only doors that are asked for are grouped: most are homes.
door as (
    select door_key, min(grid_code) as grid_code
    from {{ ref('int_door') }}
    where door_key <> '' and door_key in (select door_key from {{ ref('int_registered_premises') }})
    group by door_key
    having count(*) = 1
),

held_record as (
    select distinct input as register, record_key
    from {{ held_rows([
        ['construction_site', 'sites'], ['fire_supervision', 'inspections'], ['hazmat_enterprise', 'licences'],
        ['market_registration', 'enterprises'], ['property_register', 'rentals'], ['smoke_sensor', 'installations']
    ]) }} as waiting
    where record_key is not null
),

held_code as (
    select distinct premises_code
    from {{ ref('int_premises_held') }}
    where input = 'safety_inspection.premises' and premises_code is not null
),

agreed as (
    select premises_key, count(distinct register) as registers
    from {{ ref('int_registered_premises') }}
    where premises_key is not null
    group by premises_key
),

looked_up as (
    select
        known.register,
        known.record_key,
        known.premises_key,
        known.name,
        known.category,
        known.place,
        known.surely_there,
        known.register = 'market_registration.enterprises' as by_address_only,
        coalesce(told.premises_code, by_key.premises_code, by_firm.premises_code) as premises_code,
        coalesce(told.state, by_key.state, by_firm.state) as code_state,
        told.premises_code is null and by_key.premises_code is null as found_by_firm,
        coalesce(known.premises_key, known.enterprise_key) is null and told.premises_code is null as unresolved,
        by_door.premises_code as code_at_door,
        door.door_key is not null as door_known,
        grid.grid_code,
        grid.community_code,
        coalesce(agreed.registers, 1) as known_to,
        parameter.always || register_input.missing as unknown_inputs,
        array_remove(array[
            case when held_record.register is not null then known.register end,
            case when held_code.premises_code is not null then 'safety_inspection.premises' end
        ], null) as held_inputs
    from {{ ref('int_registered_premises') }} as known
    cross join parameter
    inner join register_input on register_input.register = known.register
    left join {{ ref('dim_premises') }} as told on told.premises_code = known.premises_code
    left join by_key on by_key.premises_key = known.premises_key
    left join by_firm on by_firm.enterprise_key = known.enterprise_key
    left join by_door on by_door.door_key = known.door_key
    left join door on door.door_key = known.door_key
    left join {{ ref('dim_grid') }} as grid on grid.grid_code = door.grid_code
    left join agreed on agreed.premises_key = known.premises_key
    left join held_record on held_record.register = known.register and held_record.record_key = known.record_key
    left join held_code
        on held_code.premises_code = coalesce(told.premises_code, by_key.premises_code, by_firm.premises_code)
),

judged as (
    select
        looked_up.*,
        case
            when cardinality(unknown_inputs) > 0 or unresolved then 'unknown'
            when code_state = 'open' and cardinality(held_inputs) > 0 then 'unknown'
            when code_state = 'open' then 'covered'
            else 'uncovered'
        end as finding,
        -- From three downwards: an address is no premises, a door that is not known may be another one's, and where a
        -- code hangs at the very door it may be the same place under another name.
        3 - by_address_only::int - (not surely_there and not by_address_only)::int - (not door_known)::int
        - (code_at_door is not null)::int as sureness
    from looked_up
)

select
    register,
    record_key,
    premises_key,
    name,
    category,
    place,
    grid_code,
    community_code,
    finding,
    case
        when finding = 'unknown' then 'none'
        when finding = 'covered' and not found_by_firm then 'high'
        when finding = 'covered' then 'medium'
        when sureness >= 3 then 'high'
        when sureness = 2 then 'medium'
        else 'low'
    end as confidence,
    case when finding = 'covered' then premises_code end as covered_by,
    known_to::integer as known_to,
    case
        when cardinality(unknown_inputs) > 0
            then 'unknown: cannot be said without ' || array_to_string(unknown_inputs, ', ')
        when finding = 'unknown' and not unresolved
            then 'unknown: place code ' || premises_code || ' covers it, but rows of '
            || array_to_string(held_inputs, ', ') || ' wait in quarantine'
        when finding = 'unknown' then 'unknown: the record has not been put beside the others yet'
        when finding = 'covered' then 'covered: by place code ' || premises_code
            || case when found_by_firm then ', the same firm''s' else '' end
        else 'uncovered: '
            || case
                when code_state = 'closed' then 'place code ' || premises_code || ' is closed, the register knows it still'
                else 'no place code is known of it'
            end
            || case when by_address_only then '; a registered address need not be premises' else '' end
            || case when not surely_there and not by_address_only then '; it may have ended' else '' end
            || case when not door_known then '; its door is not known to the town''s register' else '' end
            || case when code_at_door is not null then '; place code ' || code_at_door || ' hangs at the same door' else '' end
    end as reason,
    unknown_inputs,
    held_inputs
from judged
