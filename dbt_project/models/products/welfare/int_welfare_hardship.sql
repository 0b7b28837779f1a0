-- The hardship of each resident on the minimum-living register, for the policies that rest on it: the category in force
-- on the day, the heaviest of several, and the last day of the latest one that ended.
select
    resident_key,
    case
        when bool_or(in_force and category = 'tekun') then 'tekun'
        when bool_or(in_force and category = 'dibao') then 'dibao'
        when bool_or(in_force and category = 'dibian') then 'dibian'
    end as category,
    {{ approved_by_name() }} as by_name,
    max(valid_to) filter (where not in_force and valid_to < {{ as_of() }}) as ended_on,
    jsonb_agg(
        jsonb_build_object('system', 'minimum_living', 'stream', 'members', 'record', record_key) order by record_key
    ) as records
from {{ ref('int_minimum_living_member') }}
group by resident_key
