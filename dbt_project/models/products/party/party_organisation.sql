-- The party organisations as numbers: service points, activities, and how many members. Nobody is in it. A number of few
-- people is left out, and so is one from which such a number could be taken away: women where there are few men.
with parameter as (
    select
        {{ parameter('product_parameters', 'party_organisation', 'minimum_count') }} as minimum_count,
        {{ parameter('product_parameters', 'party_organisation', 'stale_after') }}::integer as stale_after,
        {{ parameter_version('product_parameters', 'party_organisation') }} as parameter_version,
        {{ unusable_inputs([
            ['party_building', 'organisations'], ['party_building', 'service_points'], ['party_building', 'activities']
        ]) }} as unknown_inputs
),

-- A statement that waits in quarantine is newer than the one that is shown; a month of activities, or a service point,
-- that waits there is missing from the sum.
held as (
    select *
    from {{ held_about(
        [['party_building', 'organisations'], ['party_building', 'service_points'], ['party_building', 'activities']],
        "coalesce(
            waiting.refers ->> 'organisation_code',
            case when waiting.stream <> 'service_points' then split_part(waiting.record_key, '|', 1) end
        )"
    ) }} as about
),

judged as (
    select
        organisation.*,
        community.name as community_name,
        parameter.minimum_count,
        parameter.parameter_version,
        parameter.unknown_inputs,
        case
            when 'party_building.organisations' = any(parameter.unknown_inputs)
                or coalesce('party_building.organisations' = any(held.inputs), false) then 'unknown'
            when to_date(organisation.stated_month, 'YYYY-MM')
                < (date_trunc('month', {{ as_of() }}) - make_interval(months => parameter.stale_after))::date
                then 'stale'
            else 'stated'
        end as state,
        'party_building.activities' = any(parameter.unknown_inputs)
            or coalesce('party_building.activities' = any(held.inputs), false) as activities_unknown,
        'party_building.service_points' = any(parameter.unknown_inputs)
            or coalesce('party_building.service_points' = any(held.inputs), false) as points_unknown,
        coalesce(held.rows_held, 0) as rows_held,
        {{ held_unplaced('held', ref('dim_party_organisation'), 'organisation_code') }} as rows_held_unplaced
    from {{ ref('dim_party_organisation') }} as organisation
    cross join parameter
    left join held on held.thing = organisation.organisation_code
    left join {{ ref('dim_community') }} as community on community.community_code = organisation.community_code
),

guarded as (
    select
        *,
        coalesce(members >= minimum_count, false) as members_shown,
        coalesce(women >= minimum_count and members - women >= minimum_count, false) as women_shown,
        -- Who is neither young nor old can be taken away too.
        coalesce(
            under_35 >= minimum_count and over_60 >= minimum_count
            and members - under_35 >= minimum_count and members - over_60 >= minimum_count
            and members - under_35 - over_60 >= minimum_count, false
        ) as ages_shown,
        coalesce(activities_12_months = 0 or participants_12_months >= minimum_count, false) as participants_shown
    from judged
)

select
    organisation_code,
    name,
    community_code,
    community_name,
    founded_on,
    stated_month,
    case when state <> 'unknown' then branches end as branches,
    case when state <> 'unknown' and members_shown then members end as members,
    case when state <> 'unknown' and women_shown then women end as women,
    case when state <> 'unknown' and ages_shown then under_35 end as under_35,
    case when state <> 'unknown' and ages_shown then over_60 end as over_60,
    case when not points_unknown then service_points end as service_points,
    case when not activities_unknown then activities_12_months end as activities_12_months,
    case when not activities_unknown and participants_shown then participants_12_months end as participants_12_months,
    array_remove(array[
        case when not members_shown then 'members' end,
        case when not women_shown then 'women' end,
        case when not ages_shown then 'under_35' end,
        case when not ages_shown then 'over_60' end,
        case when not participants_shown then 'participants_12_months' end
    ], null) as suppressed,
    array_remove(array[
        case when points_unknown then 'service_points' end,
        case when activities_unknown then 'activities_12_months' end
    ], null) as unknown_parts,
    state,
    unknown_inputs,
    parameter_version,
    rows_held,
    rows_held_unplaced
from guarded
