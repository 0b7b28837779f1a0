-- Feeds of the district's catalogue: which are behind their cycle, and whose fields changed without a new version. What
-- a feed said before stands in the change log of landing; staging knows the present alone.
with listed as (
    select
        feed_code,
        title,
        provider,
        cycle,
        replace(fields, ' ', '') as fields,
        version,
        row_count,
        filled_at,
        published_on,
        -- the days that a cycle allows, and a third more before it is called late
        case cycle
            when 'realtime' then 1
            when 'daily' then 2
            when 'weekly' then 9
            when 'monthly' then 41
            when 'quarterly' then 122
            when 'yearly' then 487
        end as days_allowed
    from {{ ref('stg_district_data_centre__feeds') }}
),

seen as (
    select feed_code, version, replace(fields, ' ', '') as fields
    from {{ source('district_data_centre', 'feeds') }}
),

silent as (
    select listed.feed_code
    from listed
    inner join seen
        on seen.feed_code = listed.feed_code and seen.version = listed.version and seen.fields <> listed.fields
    group by listed.feed_code
)

select
    listed.feed_code,
    listed.title,
    listed.provider,
    listed.cycle,
    listed.fields,
    cardinality(string_to_array(listed.fields, ',')) as field_count,
    listed.version,
    silent.feed_code is not null as changed_silently,
    listed.row_count,
    listed.filled_at,
    {{ as_of() }} - {{ local_date('listed.filled_at') }} as days_since_filled,
    {{ as_of() }} - {{ local_date('listed.filled_at') }} > listed.days_allowed as behind,
    listed.published_on
from listed
left join silent on silent.feed_code = listed.feed_code
