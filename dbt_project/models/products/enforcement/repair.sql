-- Repairs of every estate: how many are at each of the four steps, how many are beyond their time, and how long the steps
-- take (median hours over what ended in the last 90 days). An estate without repairs says zero; the row 未对应小区
-- holds those whose estate's name means none or several of the register. Most of an estate's doors say the community.
with parameter as (
    select
        {{ parameter('event_parameters', 'event', 'repair_window_days') }}::integer as days,
        {{ parameter('event_parameters', 'event', 'repair_median_from') }} as median_from,
        {{ parameter_version('event_parameters') }} as method_version,
        {{ unusable_inputs([['neighbour_service', 'repairs'], ['standard_address', 'addresses']]) }} as unknown_inputs,
        {{ rows_held([['neighbour_service', 'repairs']]) }} as rows_held_unplaced
),

estate as (
    select estate, mode() within group (order by community_code) as community_code
    from {{ ref('stg_standard_address__addresses') }}
    where estate is not null
    group by estate
),

repair as (
    select
        coalesce(repair.estate, '未对应小区') as estate,
        repair.state,
        repair.reported_at + time_limit.hours * interval '1 hour' as due_at,
        repair.state = 'done'
            and {{ local_date('coalesce(repair.done_at, repair.reported_at)') }} > {{ as_of() }} - parameter.days
            as done_lately,
        repair.hours_to_accept,
        {{ hours_between('repair.accepted_at', 'repair.repairing_at') }} as hours_to_begin,
        {{ hours_between('repair.repairing_at', 'repair.done_at') }} as hours_to_repair,
        repair.hours_to_done
    from {{ ref('fct_repair') }} as repair
    cross join parameter
    left join {{ ref('time_limits') }} as time_limit
        on time_limit.subject = 'repair' and time_limit.kind = repair.category and time_limit.channel = 'any'
        and {{ in_force('time_limit') }}
    where repair.reported_on <= {{ as_of() }}
),

counted as (
    select
        estate,
        count(*) filter (where state = 'reported') as reported,
        count(*) filter (where state = 'accepted') as accepted,
        count(*) filter (where state = 'repairing') as repairing,
        count(*) filter (where done_lately) as done,
        count(*) filter (where state <> 'done' and {{ local_date('due_at') }} < {{ as_of() }}) as overdue,
        count(hours_to_accept) filter (where done_lately) as accepts,
        percentile_cont(0.5) within group (order by hours_to_accept) filter (where done_lately) as median_to_accept,
        count(hours_to_begin) filter (where done_lately) as begins,
        percentile_cont(0.5) within group (order by hours_to_begin) filter (where done_lately) as median_to_begin,
        count(hours_to_repair) filter (where done_lately) as repairs,
        percentile_cont(0.5) within group (order by hours_to_repair) filter (where done_lately) as median_to_repair,
        count(hours_to_done) filter (where done_lately) as ends,
        percentile_cont(0.5) within group (order by hours_to_done) filter (where done_lately) as median_to_done
    from repair
    group by estate
),

place as (
    select estate.estate, community.community_code
    from estate
    left join {{ ref('dim_community') }} as community on community.community_code = estate.community_code
    union all
    select '未对应小区', null
)

select
    place.estate,
    place.community_code,
    case when cardinality(parameter.unknown_inputs) > 0 then 'unknown' else 'known' end as finding,
    {{ known_figure('coalesce(counted.reported, 0)') }}::integer as reported,
    {{ known_figure('coalesce(counted.accepted, 0)') }}::integer as accepted,
    {{ known_figure('coalesce(counted.repairing, 0)') }}::integer as repairing,
    {{ known_figure('coalesce(counted.done, 0)') }}::integer as done,
    {{ known_figure('coalesce(counted.overdue, 0)') }}::integer as overdue,
    {{ known_median('counted.accepts', 'counted.median_to_accept') }} as median_hours_to_accept,
    {{ known_median('counted.begins', 'counted.median_to_begin') }} as median_hours_to_begin,
    {{ known_median('counted.repairs', 'counted.median_to_repair') }} as median_hours_to_repair,
    {{ known_median('counted.ends', 'counted.median_to_done') }} as median_hours_to_done,
    parameter.unknown_inputs,
    parameter.method_version,
    parameter.rows_held_unplaced
from place
cross join parameter
left join counted on counted.estate = place.estate
