-- What is talked about on public platforms, by topic and day: counts, and nobody who said it. The mood of few items would be
-- the mood of somebody, and is not shown.
with parameter as (
    select
        {{ parameter('product_parameters', 'topic', 'window_days') }}::integer as window_days,
        {{ parameter('product_parameters', 'topic', 'minimum_items') }} as minimum_items,
        {{ parameter_version('product_parameters', 'topic') }} as parameter_version,
        {{ unusable_inputs([['public_opinion', 'items']]) }} as unknown_inputs
),

judged as (
    select
        topic.*,
        parameter.parameter_version,
        parameter.unknown_inputs,
        case
            when cardinality(parameter.unknown_inputs) > 0 then 'unknown'
            when topic.items < parameter.minimum_items then 'too_few'
            when topic.mood_unknown * 2 > topic.items then 'mostly_unknown'
            else 'known'
        end as mood
    from {{ ref('fct_topic') }} as topic
    inner join parameter on topic.published_on > {{ as_of() }} - parameter.window_days
)

select
    topic,
    published_on,
    case when mood <> 'unknown' then items end as items,
    case when mood <> 'unknown' then platforms end as platforms,
    case when mood <> 'unknown' then heat end as heat,
    case when mood in ('known', 'mostly_unknown') then negative end as negative,
    case when mood in ('known', 'mostly_unknown') then items - negative - positive - mood_unknown end as neutral,
    case when mood in ('known', 'mostly_unknown') then positive end as positive,
    case when mood in ('known', 'mostly_unknown') then mood_unknown end as mood_unknown,
    mood,
    unknown_inputs,
    parameter_version
from judged
