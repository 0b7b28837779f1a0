-- Repairs in estates and how long each step took. Estates come under the names that people use: one that means exactly one
-- estate of the address register is named as there. No flat, no word, nobody who asked.
with estate as (
    select estate, mode() within group (order by community_code) as community_code
    from {{ ref('stg_standard_address__addresses') }}
    where estate is not null
    group by estate
),

alias as (
    select {{ estate_alias('estate') }} as alias, min(estate) as estate
    from estate
    group by 1
    having count(*) = 1
),

repair as (
    select
        stated.*,
        coalesce(known.estate, alias.estate) as estate_name
    from {{ ref('stg_neighbour_service__repairs') }} as stated
    left join estate as known on known.estate = regexp_replace(stated.estate, '\s', '', 'g')
    left join alias on known.estate is null and alias.alias = {{ estate_alias('stated.estate') }}
)

select
    repair.repair_no,
    repair.estate as stated_estate,
    estate.estate,
    estate.community_code,
    repair.category,
    repair.state,
    {{ local_date('repair.reported_at') }} as reported_on,
    repair.reported_at,
    repair.accepted_at,
    repair.repairing_at,
    repair.done_at,
    {{ hours_between('repair.reported_at', 'repair.accepted_at') }} as hours_to_accept,
    {{ hours_between('repair.reported_at', 'repair.done_at') }} as hours_to_done
from repair
left join estate on estate.estate = repair.estate_name
