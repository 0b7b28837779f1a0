-- Building sites under a permit. Ended ones stay open in the register for months: one whose plan is over and whose dust
-- monitor is silent may have ended, unless the silence is our own, because the readings did not come in.
with monitor as (
    select
        permit_no,
        max(measured_on) as last_measured_on,
        avg(pm10) filter (where measured_on > {{ as_of() }} - 30) as pm10_mean
    from {{ ref('stg_construction_site__dust_readings') }}
    where measured_on <= {{ as_of() }}
    group by permit_no
),

input as (
    select cardinality({{ unusable_inputs([['construction_site', 'dust_readings']]) }}) = 0 as readings_usable
)

select
    site.permit_no,
    builder.entity_key as enterprise_key,
    site.project_name,
    site.builder_name,
    site.address,
    site.longitude,
    site.latitude,
    site.started_on,
    site.planned_end,
    site.state,
    case
        when site.state = 'completed' then 'ended'
        when site.planned_end is null then 'unknown'
        when site.planned_end >= {{ as_of() }} then 'open'
        when not input.readings_usable then 'unknown'
        when monitor.last_measured_on is null or monitor.last_measured_on < {{ as_of() }} - 30 then 'perhaps_ended'
        else 'open'
    end as phase,
    monitor.last_measured_on,
    monitor.pm10_mean::numeric(8, 1) as pm10_mean
from {{ ref('stg_construction_site__sites') }} as site
cross join input
left join monitor on monitor.permit_no = site.permit_no
left join {{ source('resolution', 'membership') }} as builder
    on builder.kind = 'enterprise' and builder.to_run is null and builder.system = 'construction_site'
    and builder.stream = 'sites' and builder.record_key = site.record_key
