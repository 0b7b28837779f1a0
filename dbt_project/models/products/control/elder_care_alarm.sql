-- What each door sensor of an elderly person living alone says, and what to do next. Only a device that was heard can
-- tell that nobody moved. A flat battery, a silent device and a wrong clock are faults of the device and no emergency;
-- when most devices or the whole platform fall silent nothing is known of anybody. The moment that all is measured from
-- is when nine in ten of the devices had spoken last, so a clock that runs ahead moves nothing. That nine in ten fell
-- silent together it does not show: when messages were last taken in on the day does, and so do more devices ahead of it
-- than clocks go wrong at once. No person, no door. What of a device waits in quarantine may be a flat battery or another
-- door: nobody is called well by the rest of it.
with parameter as (
    select
        {{ parameter('care_parameters', 'elder_care_alarm', 'unheard_hours') }} * interval '1 hour' as unheard_for,
        {{ parameter('care_parameters', 'elder_care_alarm', 'quiet_hours') }} as quiet_hours,
        {{ parameter('care_parameters', 'elder_care_alarm', 'quiet_hours') }} * interval '1 hour' as quiet_for,
        {{ parameter('care_parameters', 'elder_care_alarm', 'heard_share_from') }} as heard_share_from,
        {{ parameter('care_parameters', 'elder_care_alarm', 'flat_battery_to') }} as flat_to,
        {{ parameter('care_parameters', 'elder_care_alarm', 'clock_ahead_hours') }} * interval '1 hour' as ahead_by,
        {{ parameter('care_parameters', 'elder_care_alarm', 'clocks_ahead_to') }} as clocks_ahead_to,
        {{ parameter('care_parameters', 'elder_care_alarm', 'silent_share_to') }} as silent_share_to,
        (
            select input.last_committed_at
            from {{ ref('dim_input') }} as input
            where input.system = 'elder_door_sensor' and input.stream = 'readings'
                and {{ local_date('input.last_committed_at') }} = {{ as_of() }}
        ) as taken_in_at,
        {{ as_of() }}::timestamp at time zone 'Asia/Shanghai' as day_from,
        ({{ as_of() }} + 1)::timestamp at time zone 'Asia/Shanghai' as day_to,
        {{ parameter_version('care_parameters') }} as rule_version,
        {{ unusable_inputs([['elder_door_sensor', 'devices'], ['elder_door_sensor', 'readings']]) }} as unknown_inputs
),

-- A week tells all that is asked below.
reading as (
    select told.device_id, told.measured_at, told.event, told.battery, told.measured_at >= parameter.day_to as of_tomorrow
    from {{ ref('stg_elder_door_sensor__readings') }} as told
    cross join parameter
    where told.measured_at >= parameter.day_from - interval '7 days'
),

spoken as (
    select
        device_id,
        bool_or(of_tomorrow) as of_tomorrow,
        min(measured_at) filter (where not of_tomorrow) as first_heard_at,
        max(measured_at) filter (where not of_tomorrow) as last_heard_at,
        max(measured_at) filter (where not of_tomorrow and event in ('open', 'close')) as last_moved_at,
        (array_agg(battery order by measured_at desc) filter (where not of_tomorrow and battery is not null))[1] as battery
    from reading
    group by device_id
),

most as (
    select
        percentile_disc(0.9) within group (order by last_heard_at) as heard_until,
        max(last_heard_at) as newest_at
    from spoken
),

ahead as (
    select count(*) as devices
    from spoken
    cross join most
    cross join parameter
    where spoken.last_heard_at > most.heard_until + parameter.ahead_by
),

platform as (
    select
        case
            when most.heard_until < parameter.taken_in_at - parameter.unheard_for then parameter.taken_in_at
            -- Nobody can tell so many wrong clocks from the few that still speak: the others are not called well.
            when parameter.taken_in_at is null and ahead.devices > parameter.clocks_ahead_to then most.newest_at
            else most.heard_until
        end as heard_until
    from most
    cross join ahead
    cross join parameter
),

heard as (
    select reading.device_id, count(distinct date_trunc('hour', reading.measured_at)) as hours_heard
    from reading
    cross join platform
    cross join parameter
    where reading.measured_at > platform.heard_until - parameter.quiet_for and not reading.of_tomorrow
    group by reading.device_id
),

held as (
    select *
    from {{ held_about(
        [['elder_door_sensor', 'devices'], ['elder_door_sensor', 'readings']], "split_part(waiting.record_key, '|', 1)"
    ) }} as about
),

device as (
    select
        coalesce(held.rows_held, 0) as rows_held,
        {{ held_unplaced('held', ref('dim_care_device'), 'device_id') }} as rows_held_unplaced,
        sensor.device_id,
        sensor.community_code,
        sensor.grid_code,
        sensor.installed_on,
        coalesce(spoken.of_tomorrow, false) as of_tomorrow,
        spoken.first_heard_at,
        spoken.last_moved_at,
        spoken.battery,
        coalesce(spoken.last_heard_at, case when sensor.last_seen_at < parameter.day_to then sensor.last_seen_at end)
            as last_heard_at,
        coalesce(heard.hours_heard, 0) as hours_heard,
        platform.heard_until,
        parameter.*
    from {{ ref('dim_care_device') }} as sensor
    cross join parameter
    cross join platform
    left join spoken on spoken.device_id = sensor.device_id
    left join heard on heard.device_id = sensor.device_id
    left join held on held.thing = sensor.device_id
),

silent as (
    select
        *,
        coalesce(last_heard_at < heard_until - unheard_for, true) as unheard,
        avg(case when coalesce(last_heard_at < heard_until - unheard_for, true) then 1 else 0 end) over () as silent_share
    from device
),

judged as (
    select
        *,
        case
            when cardinality(unknown_inputs) > 0 then 'unknown: input'
            when coalesce(heard_until < day_from - unheard_for, true) then 'unknown: platform_silent'
            when of_tomorrow or last_heard_at > greatest(heard_until, taken_in_at) + ahead_by
                or {{ local_date('last_heard_at') }} < installed_on then 'clock_wrong: clock'
            when unheard and silent_share > silent_share_to then 'unknown: platform_silent'
            when unheard and last_heard_at is null and installed_on >= {{ as_of() }} - 1 then 'unknown: new'
            when unheard and battery <= flat_to then 'battery_flat: battery'
            when unheard then 'device_unheard: unheard'
            when last_moved_at > heard_until - quiet_for and battery <= flat_to then 'battery_flat: battery'
            when last_moved_at > heard_until - quiet_for and rows_held > 0 then 'unknown: held'
            when last_moved_at > heard_until - quiet_for then 'normal: moved'
            when hours_heard >= heard_share_from * quiet_hours then 'no_movement: quiet'
            when battery <= flat_to then 'battery_flat: battery'
            else 'unknown: heard_too_little'
        end as verdict
    from silent
)

select
    device_id,
    community_code,
    grid_code,
    split_part(verdict, ': ', 1) as state,
    split_part(verdict, ': ', 2) as reason,
    case verdict
        when 'normal: moved' then 'none'
        when 'no_movement: quiet' then 'call_then_visit'
        when 'device_unheard: unheard' then 'check_device'
        when 'battery_flat: battery' then 'replace_battery'
        when 'clock_wrong: clock' then 'set_clock'
        when 'unknown: new' then 'wait'
        when 'unknown: heard_too_little' then 'wait'
        else 'ask_platform'
    end as next_step,
    case when verdict = 'no_movement: quiet'
        then floor(extract(epoch from heard_until - coalesce(last_moved_at, first_heard_at)) / 3600)
    end::integer as quiet_hours,
    -- Of a device that never spoke nobody knows for how long.
    case when verdict in ('device_unheard: unheard', 'battery_flat: battery') and last_heard_at is not null
        then greatest(floor(extract(epoch from heard_until - last_heard_at) / 3600), 0)
    end::integer as unheard_hours,
    battery::integer as battery,
    hours_heard::integer as hours_heard,
    heard_until,
    unknown_inputs,
    rule_version,
    rows_held,
    rows_held_unplaced
from judged
