-- Warnings, each a chain of messages, and the state in force at the end of the day. Exercises and tests are no warnings.
-- A message that changes one which never came begins a chain of its own. What was never lifted ends when it expires; where
-- no end was told and a day has passed, nobody knows.
with recursive message as (
    select
        said.message_id,
        said.sent_at,
        said.kind,
        said.event,
        said.severity,
        said.expires_at,
        referred.message_id as previous_id
    from {{ ref('stg_weather_warning__messages') }} as said
    left join lateral (
        -- Of several references the newest message: its identifier holds the moment of issue.
        select found.match[1] as message_id
        from regexp_matches(said.previous_id, '[0-9]{14}_[0-9]{14}_[0-9]', 'g') as found (match)
        order by substr(found.match[1], 16) desc
        limit 1
    ) as referred on true
    where said.status = 'actual' and {{ local_date('said.sent_at') }} <= {{ as_of() }}
),

linked as (
    select
        message.*,
        before.message_id as parent_id
    from message
    -- A message can change only what was there before it: so no chain bites its own tail.
    left join message as before
        on before.message_id = message.previous_id
        and (before.sent_at, before.message_id) < (message.sent_at, message.message_id)
),

chain as (
    select
        linked.message_id as warning_id,
        linked.message_id
    from linked
    where linked.parent_id is null
    union all
    select
        chain.warning_id,
        linked.message_id
    from chain
    inner join linked on linked.parent_id = chain.message_id
),

ranked as (
    select
        chain.warning_id,
        linked.*,
        row_number() over newest as place,
        count(*) over (partition by chain.warning_id) as messages,
        min(linked.sent_at) over (partition by chain.warning_id) as issued_at,
        max(array_position(array['blue', 'yellow', 'orange', 'red'], linked.severity))
            over (partition by chain.warning_id) as highest,
        bool_or(linked.kind = 'alert') over (partition by chain.warning_id) as complete
    from chain
    inner join linked on linked.message_id = chain.message_id
    window newest as (partition by chain.warning_id order by linked.sent_at desc, linked.message_id desc)
),

moment as (
    select ({{ as_of() }} + 1)::timestamp at time zone 'Asia/Shanghai' as day_end
)

select
    ranked.warning_id,
    ranked.event,
    ranked.issued_at,
    ranked.sent_at as last_message_at,
    ranked.messages::integer as messages,
    ranked.complete,
    ranked.severity,
    (array['blue', 'yellow', 'orange', 'red'])[ranked.highest] as highest_severity,
    case
        when ranked.kind = 'cancel' then 'lifted'
        when ranked.expires_at < moment.day_end then 'expired'
        when ranked.expires_at is not null then 'in_force'
        when ranked.sent_at >= moment.day_end - interval '1 day' then 'in_force'
        else 'unknown'
    end as state,
    case when ranked.kind = 'cancel' then ranked.sent_at else ranked.expires_at end as ends_at
from ranked
cross join moment
where ranked.place = 1
