-- Passes at the gates of estates by community and day: what was heard, and how much of it was heard (hours told ÷ 24
-- hours of all gates that hung that day, so the day under way is partial until it is told). Half of the hours must be
-- heard for a count, nine in ten for one that is called known; nothing is filled up. Gates count passes and nobody.
with parameter as (
    select
        {{ parameter('event_parameters', 'event', 'flow_days') }}::integer as days,
        {{ parameter('event_parameters', 'event', 'flow_known_from') }} as known_from,
        {{ parameter('event_parameters', 'event', 'flow_unknown_below') }} as unknown_below,
        {{ parameter_version('event_parameters') }} as method_version,
        {{ unusable_inputs([['smart_community', 'devices'], ['smart_community', 'hourly_counts']]) }} as unknown_inputs
),

day as (
    select {{ as_of() }} - back.n as day
    from parameter
    cross join lateral generate_series(0, parameter.days - 1) as back (n)
),

-- What hangs counts, whether it says that it works or not; a gate is expected from the day after it was hung.
expected as (
    select gate.community_code, day.day, count(*) as gates
    from {{ ref('stg_smart_community__devices') }} as gate
    inner join day on gate.installed_on is null or gate.installed_on < day.day
    group by gate.community_code, day.day
),

heard as (
    select
        counted.community_code,
        counted.counted_on as day,
        count(*) as hours,
        count(distinct counted.device_no) as gates,
        sum(counted.passes_in) as passes_in,
        sum(counted.passes_out) as passes_out
    from {{ ref('fct_door_count') }} as counted
    where counted.counted_on in (select day.day from day)
    group by counted.community_code, counted.counted_on
),

covered as (
    select
        community.community_code,
        day.day,
        coalesce(expected.gates, 0) as gates,
        coalesce(heard.gates, 0) as gates_heard,
        coalesce(heard.hours, 0) as hours_heard,
        coalesce(expected.gates, 0) * 24 as hours_expected,
        heard.passes_in,
        heard.passes_out,
        case when expected.gates > 0 then least(1, coalesce(heard.hours, 0)::numeric / (expected.gates * 24)) end
            as coverage,
        parameter.known_from,
        parameter.unknown_below,
        parameter.unknown_inputs,
        parameter.method_version
    from {{ ref('dim_community') }} as community
    cross join day
    cross join parameter
    left join expected on expected.community_code = community.community_code and expected.day = day.day
    left join heard on heard.community_code = community.community_code and heard.day = day.day
),

judged as (
    select
        covered.*,
        case
            when cardinality(unknown_inputs) > 0 then 'unknown'
            when gates = 0 and hours_heard = 0 then 'no_gates'
            when coverage is null or coverage < unknown_below then 'unknown'
            when coverage < known_from then 'partial'
            else 'known'
        end as finding
    from covered
)

select
    community_code,
    day,
    finding,
    case when finding in ('known', 'partial') then passes_in end::integer as passes_in,
    case when finding in ('known', 'partial') then passes_out end::integer as passes_out,
    gates::integer as gates,
    gates_heard::integer as gates_heard,
    hours_heard::integer as hours_heard,
    hours_expected::integer as hours_expected,
    round(coverage, 4)::numeric(5, 4) as coverage,
    unknown_inputs,
    method_version
from judged
