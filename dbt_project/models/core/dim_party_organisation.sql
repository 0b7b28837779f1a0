-- Party organisations as numbers: members, service points, and what they did in the twelve months up to the one stated.
with activity as (
    select
        organisation.organisation_code,
        sum(activity.times)::integer as activities,
        sum(activity.participants)::integer as participants
    from {{ ref('stg_party_building__organisations') }} as organisation
    inner join {{ ref('stg_party_building__activities') }} as activity
        on activity.organisation_code = organisation.organisation_code
        and activity.month <= organisation.month
        and activity.month > to_char(to_date(organisation.month, 'YYYY-MM') - interval '12 months', 'YYYY-MM')
    group by organisation.organisation_code
),

point as (
    select organisation_code, count(*)::integer as service_points
    from {{ ref('stg_party_building__service_points') }}
    group by organisation_code
)

select
    organisation.organisation_code,
    organisation.name,
    organisation.community_code,
    organisation.founded_on,
    organisation.month as stated_month,
    organisation.branches::integer as branches,
    organisation.members::integer as members,
    organisation.women::integer as women,
    organisation.under_35::integer as under_35,
    organisation.over_60::integer as over_60,
    coalesce(point.service_points, 0) as service_points,
    coalesce(activity.activities, 0) as activities_12_months,
    coalesce(activity.participants, 0) as participants_12_months
from {{ ref('stg_party_building__organisations') }} as organisation
left join point on point.organisation_code = organisation.organisation_code
left join activity on activity.organisation_code = organisation.organisation_code
