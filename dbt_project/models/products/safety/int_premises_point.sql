-- Every point of the risk score, one row per premises and rule, with what it rests on. Staleness is added by
-- premises_risk, because its cadence depends on the colour. Premises and their hazards only: no trait of any person.
with premises as (
    select premises_code, premises_key, enterprise_key, category from {{ ref('dim_premises') }} where state = 'open'
),

parameter as (
    select
        {{ parameter('risk_weights', 'open_hazard', 'overdue_days_per_weight') }} as overdue_days,
        {{ parameter('risk_weights', 'open_hazard', 'cap') }} as hazard_cap,
        {{ parameter('risk_weights', 'fire_incident', 'each') }} as fire_each,
        {{ parameter('risk_weights', 'fire_incident', 'half_life_days') }} as fire_half_life,
        {{ parameter('risk_weights', 'fire_incident', 'cap') }} as fire_cap,
        {{ parameter('risk_weights', 'alarm', 'each') }} as alarm_each,
        {{ parameter('risk_weights', 'alarm', 'cap') }} as alarm_cap,
        {{ parameter('risk_weights', 'patrol_finding', 'each') }} as patrol_each,
        {{ parameter('risk_weights', 'patrol_finding', 'half_life_days') }} as patrol_half_life,
        {{ parameter('risk_weights', 'patrol_finding', 'cap') }} as patrol_cap,
        {{ parameter('risk_weights', 'fire_finding', 'each') }} as finding_each,
        {{ parameter('risk_weights', 'fire_finding', 'window_days') }} as finding_window,
        {{ parameter('risk_weights', 'fire_finding', 'cap') }} as finding_cap,
        {{ parameter('risk_weights', 'penalty', 'window_days') }} as penalty_window,
        {{ parameter('risk_weights', 'penalty', 'cap') }} as penalty_cap,
        {{ parameter('risk_weights', 'finding_share', 'scale') }} as share_scale,
        {{ parameter('risk_weights', 'finding_share', 'expected') }} as share_expected,
        {{ parameter('risk_weights', 'finding_share', 'prior_visits') }} as share_prior,
        {{ parameter('risk_weights', 'finding_share', 'window_days') }} as share_window,
        {{ parameter('risk_weights', 'finding_share', 'cap') }} as share_cap,
        {{ parameter('risk_weights', 'failed_drill', 'each') }} as drill_each,
        {{ parameter('risk_weights', 'failed_drill', 'window_days') }} as drill_window,
        {{ parameter('risk_weights', 'failed_drill', 'cap') }} as drill_cap,
        {{ parameter('risk_weights', 'on_time_fix', 'each') }} as fix_each,
        {{ parameter('risk_weights', 'on_time_fix', 'window_days') }} as fix_window,
        {{ parameter('risk_weights', 'on_time_fix', 'cap') }} as fix_cap
),

open_hazard as (
    select
        hazard.premises_code,
        hazard.hazard_no,
        false as is_visit,
        -- A mending that nobody else has confirmed stops the clock, not the points.
        severity.value * (
            1 + greatest(0, coalesce(hazard.fixed_on, {{ as_of() }}) - coalesce(hazard.due_on, hazard.found_on))
            / parameter.overdue_days
        ) as points
    from {{ ref('fct_hazard') }} as hazard
    cross join parameter
    inner join {{ ref('risk_weights') }} as severity
        on severity.subject = 'open_hazard' and severity.item = hazard.severity and {{ in_force('severity') }}
    where hazard.found_on <= {{ as_of() }}
        and (hazard.state <> 'closed' or hazard.fixed_on > {{ as_of() }})
    union all
    -- What the fire service ordered to be corrected; it looks again itself before it writes that down.
    select
        premises.premises_code,
        document.document_no,
        false,
        severity.value * (
            1 + greatest(0, {{ as_of() }} - coalesce(document.due_on, document.inspected_on)) / parameter.overdue_days
        )
    from {{ ref('fct_fire_supervision') }} as document
    cross join parameter
    inner join premises on premises.premises_key = document.premises_key
    inner join {{ ref('risk_weights') }} as severity
        on severity.subject = 'open_hazard' and {{ in_force('severity') }}
        and severity.item = case when document.major_hazard then 'fire_supervision_major' else 'fire_supervision' end
    where document.inspected_on <= {{ as_of() }} and document.result <> 'pass'
        and coalesce(document.corrected_on, date '9999-12-31') > {{ as_of() }}
    union all
    -- A finding without a hazard on record weighs like the least hazard until somebody else has passed the premises. A
    -- drill has points of its own, which last at least as long.
    select standing.premises_code, standing.inspection_no, true, severity.value
    from {{ ref('int_premises_standing') }} as standing
    inner join {{ ref('risk_weights') }} as severity
        on severity.subject = 'open_hazard' and severity.item = 'general' and {{ in_force('severity') }}
    where standing.kind <> 'drill'
),

hazard_points as (
    select
        open_hazard.premises_code,
        'open_hazards' as rule_code,
        least(max(parameter.hazard_cap), sum(open_hazard.points)) as points,
        to_jsonb(array_agg(open_hazard.hazard_no order by open_hazard.is_visit, open_hazard.hazard_no)) as detail
    from open_hazard
    cross join parameter
    group by open_hazard.premises_code
),

category_points as (
    select premises.premises_code, 'category' as rule_code, category.value as points, to_jsonb(premises.category) as detail
    from premises
    inner join {{ ref('risk_weights') }} as category
        on category.subject = 'category' and category.item = premises.category and {{ in_force('category') }}
),

open_place as (select distinct premises_key from premises),

-- Alarms at the premises whose code the installer noted; where that place has no open code any more, or none was noted, at
-- those that resolution put the sensor's place to. Of two codes of one premises each has them. An alarm that brought the
-- fire service out is told by its dispatch.
placed_alarm as (
    select premises.premises_code, alarm.alarm_key, alarm.started_on
    from {{ ref('fct_alarm') }} as alarm
    left join {{ ref('dim_premises') }} as noted on noted.premises_code = alarm.premises_code
    left join open_place on open_place.premises_key = noted.premises_key
    left join {{ source('resolution', 'membership') }} as place
        on place.kind = 'premises' and place.to_run is null and place.system = 'smoke_sensor'
        and place.stream = 'installations' and place.record_key = alarm.install_no
    inner join premises on premises.premises_key = coalesce(open_place.premises_key, place.entity_key)
    where alarm.kind <> 'test' and alarm.started_on <= {{ as_of() }}
),

alarm as (
    select
        placed.premises_code,
        placed.alarm_key,
        parameter.alarm_each * power(0.5, ({{ as_of() }} - placed.started_on) / parameter.fire_half_life) as points
    from placed_alarm as placed
    cross join parameter
    where parameter.alarm_each is not null
        and not exists (
            select 1 from {{ ref('int_premises_fire') }} as fire
            where fire.premises_code = placed.premises_code
                and fire.reported_on between placed.started_on and placed.started_on + 1
        )
),

told_of_fire as (
    select
        fire.premises_code,
        fire.incident_no as evidence,
        parameter.fire_each * power(0.5, ({{ as_of() }} - fire.reported_on) / parameter.fire_half_life) as dispatched,
        null::numeric as alarmed
    from {{ ref('int_premises_fire') }} as fire
    cross join parameter
    where fire.reported_on <= {{ as_of() }}
    union all
    select premises_code, alarm_key, null, points from alarm
),

fire_points as (
    select
        told_of_fire.premises_code,
        'fire_incidents' as rule_code,
        least(
            max(parameter.fire_cap),
            coalesce(sum(told_of_fire.dispatched), 0)
            + least(max(parameter.alarm_cap), coalesce(sum(told_of_fire.alarmed), 0))
        ) as points,
        to_jsonb(array_agg(told_of_fire.evidence order by told_of_fire.evidence)) as detail
    from told_of_fire
    cross join parameter
    group by told_of_fire.premises_code
),

-- What patrols of the safety staff found at premises that they named, and came to pass before anybody inspected.
patrol_points as (
    select
        found.premises_code,
        'patrol_findings' as rule_code,
        least(
            max(parameter.patrol_cap),
            sum(parameter.patrol_each * power(0.5, ({{ as_of() }} - found.found_on) / parameter.patrol_half_life))
        ) as points,
        to_jsonb(array_agg(found.patrol_no order by found.patrol_no)) as detail
    from {{ ref('int_premises_patrol') }} as found
    cross join parameter
    where found.found_on <= {{ as_of() }} and parameter.patrol_each is not null
    group by found.premises_code
),

-- What the fire service found, corrected or not: as with the town's own visits, much is found where much was found.
finding_points as (
    select
        premises.premises_code,
        'fire_findings' as rule_code,
        least(max(parameter.finding_cap), sum(document.hazards * parameter.finding_each)) as points,
        to_jsonb(array_agg(document.document_no order by document.document_no)) as detail
    from {{ ref('fct_fire_supervision') }} as document
    cross join parameter
    inner join premises on premises.premises_key = document.premises_key
    where document.hazards > 0 and parameter.finding_each is not null
        and document.inspected_on <= {{ as_of() }}
        and document.inspected_on > {{ as_of() }} - parameter.finding_window::int
    group by premises.premises_code
),

penalty as (
    select
        premises.premises_code,
        penalty.decision_no,
        coalesce(agency.value, other.value) as points
    from {{ ref('fct_penalty') }} as penalty
    cross join parameter
    inner join premises on premises.enterprise_key = penalty.enterprise_key
    inner join {{ ref('risk_weights') }} as other
        on other.subject = 'penalty' and other.item = 'other' and {{ in_force('other') }}
    left join {{ ref('risk_weights') }} as agency
        on agency.subject = 'penalty' and agency.item = penalty.agency and {{ in_force('agency') }}
    where penalty.state <> 'revoked'
        and penalty.decided_on <= {{ as_of() }} and penalty.decided_on > {{ as_of() }} - parameter.penalty_window::int
),

penalty_points as (
    select
        penalty.premises_code,
        'penalties' as rule_code,
        least(max(parameter.penalty_cap), sum(penalty.points)) as points,
        to_jsonb(array_agg(penalty.decision_no order by penalty.decision_no)) as detail
    from penalty
    cross join parameter
    group by penalty.premises_code
),

-- How often a look finds something, beyond what a look finds anywhere: the points stay when the hazards are mended,
-- because a place where much was found is one where much will be found. Clean visits are no credit.
visit as (
    select
        visit.premises_code,
        count(*) as visits,
        count(*) filter (where visit.result <> 'pass') as finding_visits
    from {{ ref('fct_inspection') }} as visit
    cross join parameter
    where visit.kind = 'routine'
        and visit.inspected_on <= {{ as_of() }} and visit.inspected_on > {{ as_of() }} - parameter.share_window::int
    group by visit.premises_code
),

share_points as (
    select
        visit.premises_code,
        'finding_share' as rule_code,
        least(parameter.share_cap, parameter.share_scale * (
            (visit.finding_visits + parameter.share_expected * parameter.share_prior)
            / (visit.visits + parameter.share_prior) - parameter.share_expected
        )) as points,
        jsonb_build_object('visits', visit.visits, 'finding', visit.finding_visits) as detail
    from visit
    cross join parameter
    where visit.finding_visits > parameter.share_expected * visit.visits
),

drill_points as (
    select
        drill.premises_code,
        'failed_drill' as rule_code,
        least(max(parameter.drill_cap), count(*) * max(parameter.drill_each)) as points,
        to_jsonb(array_agg(drill.inspection_no order by drill.inspection_no)) as detail
    from {{ ref('fct_inspection') }} as drill
    cross join parameter
    left join {{ ref('int_premises_standing') }} as standing on standing.inspection_no = drill.inspection_no
    where drill.kind = 'drill' and drill.result = 'fail' and drill.inspected_on <= {{ as_of() }}
        and (
            drill.inspected_on > {{ as_of() }} - parameter.drill_window::int or standing.inspection_no is not null
        )
    group by drill.premises_code
),

fix_points as (
    select
        hazard.premises_code,
        'on_time_fixes' as rule_code,
        greatest(max(parameter.fix_cap), count(*) * max(parameter.fix_each)) as points,
        to_jsonb(array_agg(hazard.hazard_no order by hazard.hazard_no)) as detail
    from {{ ref('fct_hazard') }} as hazard
    cross join parameter
    where hazard.state = 'closed' and hazard.fixed_on <= hazard.due_on
        and hazard.fixed_on <= {{ as_of() }} and hazard.fixed_on > {{ as_of() }} - parameter.fix_window::int
    group by hazard.premises_code
),

stated as (
    select premises_code, rule_code, points, detail from category_points
    union all
    select premises_code, rule_code, points, detail from hazard_points
    union all
    select premises_code, rule_code, points, detail from fire_points
    union all
    select premises_code, rule_code, points, detail from drill_points
    union all
    select premises_code, rule_code, points, detail from penalty_points
    union all
    select premises_code, rule_code, points, detail from share_points
    union all
    select premises_code, rule_code, points, detail from patrol_points
    union all
    select premises_code, rule_code, points, detail from finding_points
    union all
    select premises_code, rule_code, points, detail from fix_points
)

select
    stated.premises_code,
    stated.rule_code,
    stated.points::numeric(6, 1) as points,
    stated.detail
from stated
inner join premises on premises.premises_code = stated.premises_code
