-- Demands of enterprises from receipt to closing. The text and the contact name people: neither leaves staging.
select
    demand.demand_no,
    member.entity_key as enterprise_key,
    demand.enterprise_name,
    demand.category,
    demand.source,
    demand.visit_no,
    demand.reported_at,
    {{ local_date('demand.reported_at') }} as reported_on,
    demand.due_on,
    demand.handled_at,
    demand.closed_at,
    demand.state,
    -- Not closed is not late before its day has passed, and no promise can be broken that nobody knows.
    case
        when demand.due_on is null then null
        when demand.closed_at is not null then {{ local_date('demand.closed_at') }} > demand.due_on
        else {{ as_of() }} > demand.due_on
    end as late,
    demand.satisfaction
from {{ ref('stg_enterprise_demand__demands') }} as demand
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'enterprise' and member.to_run is null and member.system = 'enterprise_demand'
    and member.stream = 'demands' and member.record_key = demand.record_key
