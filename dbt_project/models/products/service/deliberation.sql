-- What the communities deliberated on (协商): votes as they count, what was decided, whether it is what the vote said, and how
-- long it took. Of a topic with an option that cannot be counted no total is shown, and of one of which rows wait in
-- quarantine neither a total nor that the vote was followed: an option or a later state may be among them.
with parameter as (
    select {{ unusable_inputs([['deliberation', 'topics'], ['deliberation', 'tallies']]) }} as unknown_inputs
),

held as (
    select *
    from {{ held_about(
        [['deliberation', 'topics'], ['deliberation', 'tallies']],
        "coalesce(waiting.refers ->> 'topic_no', split_part(waiting.record_key, '|', 1))"
    ) }} as about
)

select
    topic.topic_no,
    topic.channel,
    topic.community_code,
    community.name as community_name,
    topic.title,
    topic.state,
    topic.opened_on,
    topic.closed_on,
    topic.options,
    topic.votes,
    topic.double_votes,
    case when topic.unsound_options = 0 and held.thing is null then topic.valid_votes end as valid_votes,
    topic.unsound_options,
    topic.leading_option,
    topic.adopted_option,
    case
        when cardinality(parameter.unknown_inputs) > 0 then 'unknown'
        when held.thing is not null and topic.state = 'decided'
            and topic.adopted_option is not null and topic.adopted_option <> topic.leading_option
            then 'decided_against_the_vote'
        when held.thing is not null then 'unknown'
        when topic.state <> 'decided' then topic.state
        when topic.adopted_option is null then 'decided_unstated'
        when topic.leading_option is null then 'decided_uncounted'
        when topic.adopted_option = topic.leading_option then 'decided_with_the_vote'
        else 'decided_against_the_vote'
    end as outcome,
    case when topic.state = 'decided' and topic.closed_on >= topic.opened_on then topic.closed_on - topic.opened_on end
        as days_to_decision,
    case when topic.state = 'open' then {{ as_of() }} - topic.opened_on end as days_open,
    parameter.unknown_inputs,
    coalesce(held.rows_held, 0) as rows_held,
    {{ held_unplaced('held', ref('fct_deliberation'), 'topic_no') }} as rows_held_unplaced
from {{ ref('fct_deliberation') }} as topic
cross join parameter
left join held on held.thing = topic.topic_no
left join {{ ref('dim_community') }} as community on community.community_code = topic.community_code
where topic.opened_on <= {{ as_of() }}
