-- Office buildings quarter by quarter: what is let, to how many, at what rent and with what tax. A building that said
-- nothing in a quarter stands in it with nothing known. Figures that contradict each other are told, and what would rest
-- on them is not.
with parameter as (
    select
        {{ parameter('product_parameters', 'building_economy', 'tax_cover_from') }} as tax_cover_from,
        {{ parameter('product_parameters', 'building_economy', 'tax_enterprises_from') }} as tax_enterprises_from,
        {{ parameter_version('product_parameters', 'building_economy') }} as parameter_version,
        {{ unusable_inputs([
            ['building_economy', 'buildings'], ['building_economy', 'quarters'], ['lease_register', 'leases'],
            ['tax_analysis', 'collections'], ['tax_registry', 'taxpayers']
        ]) }} as unknown_inputs
),

building as (
    select building_code from {{ ref('dim_building') }}
    union
    select building_code from {{ ref('fct_building_quarter') }}
),

quarter as (
    select distinct quarter_from from {{ ref('fct_building_quarter') }} where quarter_from <= {{ as_of() }}
),

-- The highest floor that the lifts name. Some skip floors, so it is a limit and no count.
labelled as (
    select
        drawn.building_code,
        max(label.digits[1]::integer) as top_floor
    from {{ ref('dim_building') }} as drawn
    cross join lateral regexp_matches(drawn.floor_labels, '([0-9]{1,3})', 'g') as label (digits)
    group by drawn.building_code
),

above as (
    select distinct lease.building_code
    from {{ ref('dim_lease') }} as lease
    inner join labelled on labelled.building_code = lease.building_code
    where lease.state = 'running'
        and substring(lease.room from '^([0-9]{1,2})(?:[0-9]{2}|F)')::integer > labelled.top_floor
),

joined as (
    select
        building.building_code,
        quarter.quarter_from,
        known.name,
        known.area_sqm,
        known.floor_labels,
        said.let_sqm,
        said.tenants,
        said.registered,
        said.rent_yuan_sqm_day,
        tax.leased_sqm,
        tax.enterprises,
        tax.tax_yuan,
        parameter.tax_cover_from,
        parameter.tax_enterprises_from,
        parameter.parameter_version,
        parameter.unknown_inputs,
        'building_economy.buildings' = any(parameter.unknown_inputs)
        or 'building_economy.quarters' = any(parameter.unknown_inputs) as figures_unusable,
        'lease_register.leases' = any(parameter.unknown_inputs)
        or 'tax_analysis.collections' = any(parameter.unknown_inputs)
        or 'tax_registry.taxpayers' = any(parameter.unknown_inputs) as tax_unusable,
        array_remove(array[
            case when said.let_sqm > known.area_sqm then 'let_above_built_area' end,
            case when said.let_sqm > 0 and said.tenants = 0 then 'let_without_tenants' end,
            case when said.let_sqm = 0 and said.tenants > 0 then 'tenants_without_let_area' end,
            case when said.let_sqm = 0 and said.rent_yuan_sqm_day > 0 then 'rent_without_let_area' end,
            case when above.building_code is not null then 'room_above_the_top_floor' end
        ], null) as contradictions
    from building
    cross join quarter
    cross join parameter
    left join {{ ref('dim_building') }} as known on known.building_code = building.building_code
    left join {{ ref('fct_building_quarter') }} as said
        on said.building_code = building.building_code and said.quarter_from = quarter.quarter_from
    left join {{ ref('int_building_tax') }} as tax
        on tax.building_code = building.building_code and tax.quarter_from = quarter.quarter_from
    left join above on above.building_code = building.building_code
),

sound as (
    select
        *,
        -- No more than is built can be let, and nothing is let to nobody.
        case
            when not (
                figures_unusable or 'let_above_built_area' = any(contradictions)
                or 'let_without_tenants' = any(contradictions) or 'tenants_without_let_area' = any(contradictions)
            ) then let_sqm / nullif(area_sqm, 0)
        end::numeric(6, 4) as occupied_share,
        case
            when not tax_unusable and not figures_unusable and enterprises >= tax_enterprises_from
                and leased_sqm >= tax_cover_from * let_sqm then tax_yuan
        end as told_tax
    from joined
)

select
    building_code,
    quarter_from,
    name,
    area_sqm,
    floor_labels,
    case when not figures_unusable then let_sqm end as let_sqm,
    occupied_share,
    case when not figures_unusable then tenants end as tenants,
    case when not figures_unusable then registered end as registered,
    -- Where nothing is let there is no rent.
    case when not figures_unusable and let_sqm > 0 then rent_yuan_sqm_day end::numeric(18, 2) as rent_yuan_sqm_day,
    case when not tax_unusable then coalesce(leased_sqm, 0) end as leased_sqm,
    case when not tax_unusable then coalesce(enterprises, 0) end as taxed_enterprises,
    told_tax::numeric(18, 2) as tax_yuan,
    case when leased_sqm > 0 then told_tax / leased_sqm::numeric end::numeric(18, 2) as tax_yuan_sqm,
    contradictions,
    array_remove(array[
        case when area_sqm is null then 'area_sqm' end,
        case when let_sqm is null or figures_unusable then 'let_sqm' end,
        case when occupied_share is null then 'occupied_share' end,
        case when tenants is null or figures_unusable then 'tenants' end,
        case when (rent_yuan_sqm_day is null or figures_unusable) and coalesce(let_sqm > 0, true)
            then 'rent_yuan_sqm_day' end,
        case when told_tax is null then 'tax_yuan' end
    ], null) as unknown_parts,
    case
        when figures_unusable or let_sqm is null then 'unknown'
        when cardinality(contradictions) > 0 then 'contradictory'
        when occupied_share is null or tenants is null or (rent_yuan_sqm_day is null and let_sqm > 0) then 'partly_known'
        else 'known'
    end as state,
    unknown_inputs,
    parameter_version
from sound
