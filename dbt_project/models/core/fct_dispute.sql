-- Disputes before the mediation centre, by kind, grid and outcome. Who quarrels with whom never reaches the hub.
select
    dispute.case_no,
    dispute.category,
    dispute.source,
    grid.grid_code,
    grid.community_code,
    dispute.accepted_at,
    {{ local_date('dispute.accepted_at') }} as accepted_on,
    dispute.due_on,
    dispute.claimed_amount as claimed_yuan,
    dispute.result,
    dispute.closed_at,
    -- Not closed is not late before its day has passed, and no promise can be broken that nobody knows.
    case
        when dispute.due_on is null then null
        when dispute.closed_at is not null then {{ local_date('dispute.closed_at') }} > dispute.due_on
        else {{ as_of() }} > dispute.due_on
    end as late,
    incident.entity_key as incident_key
from {{ ref('stg_dispute_mediation__cases') }} as dispute
left join {{ ref('dim_grid') }} as grid on grid.grid_code = dispute.grid_code
left join {{ source('resolution', 'membership') }} as incident
    on incident.kind = 'event' and incident.to_run is null and incident.system = 'dispute_mediation'
    and incident.stream = 'cases' and incident.record_key = dispute.record_key
