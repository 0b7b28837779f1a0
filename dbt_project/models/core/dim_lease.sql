-- Leases of office rooms. An end in the year 9999 is no end agreed; no end at all is an end that nobody wrote down.
-- Rents are stated in four units; one without its unit, or by the square metre without the area, is not known.
with lease as (
    select
        record_key,
        lease_no,
        building_code,
        building_name,
        room,
        tenant_name,
        area_sqm,
        starts_on,
        case when extract(year from ends_on) < 9999 then ends_on end as ends_on,
        case
            when ends_on is null then 'unknown'
            when extract(year from ends_on) = 9999 then 'open_ended'
            else 'fixed'
        end as term,
        case rent_unit
            when 'yuan_month' then rent
            when 'yuan_year' then rent / 12
            when 'wan_yuan_year' then rent * 10000 / 12
            when 'yuan_sqm_day' then rent * area_sqm::numeric * 365 / 12
        end as rent_yuan_month,
        state
    from {{ ref('stg_lease_register__leases') }}
)

select
    lease.lease_no,
    lease.building_code,
    lease.building_name,
    lease.room,
    member.entity_key as enterprise_key,
    lease.tenant_name,
    lease.area_sqm,
    lease.rent_yuan_month::numeric(18, 2) as rent_yuan_month,
    lease.starts_on,
    lease.ends_on,
    lease.term,
    lease.state,
    case when lease.state = 'running' then lease.ends_on - {{ as_of() }} end as days_left
from lease
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'enterprise' and member.to_run is null and member.system = 'lease_register'
    and member.stream = 'leases' and member.record_key = lease.record_key
