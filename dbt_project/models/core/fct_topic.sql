-- What is talked about on public platforms: items by topic and the day on which they were published.
select
    topic,
    {{ local_date('published_at') }} as published_on,
    count(*)::integer as items,
    count(*) filter (where mood = 'negative')::integer as negative,
    count(*) filter (where mood = 'positive')::integer as positive,
    count(*) filter (where mood is null)::integer as mood_unknown,
    count(distinct platform)::integer as platforms,
    sum(heat)::bigint as heat
from {{ ref('stg_public_opinion__items') }}
where {{ local_date('published_at') }} <= {{ as_of() }}
group by 1, 2
