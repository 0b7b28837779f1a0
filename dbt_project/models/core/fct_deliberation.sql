-- What the communities deliberated on. The platform lets people vote twice: of an option no more votes count than there
-- were voters. An option with more voters than votes cannot be counted, and its topic has no leading option.
with counted as (
    select
        topic_no,
        option_no,
        plan,
        votes,
        greatest(votes - voters, 0) as double_votes,
        case when voters <= votes then voters end as valid_votes
    from {{ ref('stg_deliberation__tallies') }}
),

total as (
    select
        topic_no,
        count(*)::integer as options,
        sum(votes)::integer as votes,
        sum(double_votes)::integer as double_votes,
        sum(valid_votes)::integer as valid_votes,
        count(*) filter (where valid_votes is null)::integer as unsound_options
    from counted
    group by topic_no
),

best as (
    select
        topic_no,
        min(option_no) as option_no,
        min(plan) as plan,
        count(*) as tied
    from (
        select *, rank() over (partition by topic_no order by valid_votes desc) as place
        from counted
    ) as ranked
    where place = 1
    group by topic_no
)

select
    topic.topic_no,
    topic.channel,
    topic.community_code,
    topic.title,
    topic.state,
    {{ local_date('topic.opened_at') }} as opened_on,
    {{ local_date('topic.closed_at') }} as closed_on,
    coalesce(total.options, 0) as options,
    total.votes,
    total.double_votes,
    total.valid_votes,
    coalesce(total.unsound_options, 0) as unsound_options,
    case when total.unsound_options = 0 and best.tied = 1 then best.option_no end::integer as leading_option,
    case when total.unsound_options = 0 and best.tied = 1 then best.plan end as leading_plan,
    topic.adopted_option::integer as adopted_option
from {{ ref('stg_deliberation__topics') }} as topic
left join total on total.topic_no = topic.topic_no
left join best on best.topic_no = topic.topic_no
