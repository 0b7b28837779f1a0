-- Alarms of smoke and electrical sensors. One row per alarm as people would count it: messages of one sensor with no
-- pause of more than ten minutes are one alarm, a storm of a thousand messages too. It is a test when one of them says
-- so. The premises are those where the sensor hung on that day, not where it hangs now.
with message as (
    select
        device_id,
        event,
        sent_at,
        sent_at > lag(sent_at) over (partition by device_id order by sent_at) + interval '10 minutes' as after_pause
    from {{ ref('stg_smoke_sensor__messages') }}
    where event in ('smoke_alarm', 'electrical_alarm', 'test', 'restored')
),

numbered as (
    select
        device_id,
        event,
        sent_at,
        count(*) filter (where after_pause) over (partition by device_id order by sent_at) as alarm_no
    from message
),

alarm as (
    select
        device_id,
        min(sent_at) filter (where event <> 'restored') as started_at,
        max(sent_at) filter (where event <> 'restored') as ended_at,
        max(sent_at) filter (where event = 'restored') as restored_at,
        count(*) filter (where event <> 'restored') as messages,
        bool_or(event = 'test') as is_test,
        bool_or(event = 'electrical_alarm') as is_electrical
    from numbered
    group by device_id, alarm_no
    having count(*) filter (where event <> 'restored') > 0
),

-- From the day of its installation until the next one, or until it was taken down.
hung as (
    select
        device_id,
        install_no,
        premises_code,
        address,
        longitude,
        latitude,
        installed_on,
        least(
            lead(installed_on) over (partition by device_id order by installed_on, install_no) - 1,
            removed_on
        ) as hung_until
    from {{ ref('stg_smoke_sensor__installations') }}
)

select
    alarm.device_id || ':' || extract(epoch from alarm.started_at)::bigint as alarm_key,
    alarm.device_id,
    hung.install_no,
    premises.premises_code,
    hung.address,
    hung.longitude,
    hung.latitude,
    case
        when alarm.is_test then 'test'
        when alarm.is_electrical then 'electrical_alarm'
        else 'smoke_alarm'
    end as kind,
    alarm.started_at,
    {{ local_date('alarm.started_at') }} as started_on,
    alarm.ended_at,
    alarm.restored_at,
    alarm.messages,
    alarm.messages >= 30 as is_storm
from alarm
left join hung
    on hung.device_id = alarm.device_id
    and {{ local_date('alarm.started_at') }} >= hung.installed_on
    and (hung.hung_until is null or {{ local_date('alarm.started_at') }} <= hung.hung_until)
left join {{ ref('dim_premises') }} as premises on premises.premises_code = hung.premises_code
