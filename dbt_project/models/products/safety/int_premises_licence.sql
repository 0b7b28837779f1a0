-- Whether an open producer of hazardous chemicals may produce, by the register of licences: in_force, lapsed or unknown.
-- Production is covered by a licence to produce (生产) alone: those to trade, store or use say nothing of it. A licence is
-- of the place where its chemicals are, so a plant is judged by the licences placed there. Where there are none, those
-- of the firm that are placed at no coded premises may be the plant's: its address may be written so that resolution did
-- not find it. But one such licence covers one plant: where more plants of the firm wait for one than are in force,
-- nobody knows which has it. Who has no licence that is known is not accused: it may only not have been found by name.
with licence as (
    select
        known.licence_no,
        known.enterprise_key,
        known.valid_to,
        known.in_force,
        case when place.entity_key in (select premises_key from {{ ref('dim_premises') }}) then place.entity_key end
            as premises_key
    from {{ ref('dim_hazmat_licence') }} as known
    left join {{ source('resolution', 'membership') }} as place
        on place.kind = 'premises' and place.to_run is null and place.system = 'hazmat_enterprise'
        and place.stream = 'licences' and place.record_key = known.licence_no
    where known.kind = 'production'
),

placed as (
    select
        premises_key,
        bool_or(in_force) as any_in_force,
        (array_agg(licence_no order by valid_to desc, licence_no desc))[1] as licence_no
    from licence
    where premises_key is not null
    group by premises_key
),

unplaced as (
    select
        enterprise_key,
        count(*) filter (where in_force) as in_force,
        (array_agg(licence_no order by valid_to desc, licence_no desc))[1] as licence_no
    from licence
    where premises_key is null and enterprise_key is not null
    group by enterprise_key
),

plant as (
    select
        premises.premises_code,
        premises.premises_key,
        premises.enterprise_key,
        placed.any_in_force,
        placed.licence_no
    from {{ ref('dim_premises') }} as premises
    left join placed on placed.premises_key = premises.premises_key
    where premises.category = 'hazmat_producer' and premises.state = 'open'
),

-- Two codes of one place are one plant.
waiting as (
    select enterprise_key, count(distinct premises_key) as plants
    from plant
    where licence_no is null and enterprise_key is not null
    group by enterprise_key
)

select
    plant.premises_code,
    case
        when plant.any_in_force then 'in_force'
        when plant.licence_no is not null then 'lapsed'
        when unplaced.in_force >= waiting.plants then 'in_force'
        when unplaced.in_force = 0 then 'lapsed'
        else 'unknown'
    end as state,
    coalesce(plant.licence_no, unplaced.licence_no) as licence_no
from plant
left join waiting on waiting.enterprise_key = plant.enterprise_key
left join unplaced on unplaced.enterprise_key = plant.enterprise_key
