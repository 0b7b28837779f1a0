-- What is let in each office building, quarter by quarter.
select
    quarter.building_code,
    make_date(quarter.year::integer, quarter.quarter::integer * 3 - 2, 1) as quarter_from,
    quarter.let_sqm,
    (quarter.let_sqm / building.area_sqm)::numeric(6, 4) as let_share,
    quarter.tenants::integer as tenants,
    quarter.registered::integer as registered,
    quarter.rent as rent_yuan_sqm_day,
    quarter.business_index
from {{ ref('stg_building_economy__quarters') }} as quarter
left join {{ ref('dim_building') }} as building on building.building_code = quarter.building_code
