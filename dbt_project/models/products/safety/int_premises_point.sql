-- Every point of the risk score, one row per premises and rule, with what it rests on. Staleness is added by
-- premises_risk, because its cadence depends on the colour. Premises and their hazards only: no trait of any person.
with premises as (
    select premises_code, category from {{ ref('dim_premises') }} where state = 'open'
),

parameter as (
    select
        {{ weight('open_hazard', 'overdue_days_per_weight') }} as overdue_days,
        {{ weight('open_hazard', 'cap') }} as hazard_cap,
        {{ weight('fire_incident', 'each') }} as fire_each,
        {{ weight('fire_incident', 'half_life_days') }} as fire_half_life,
        {{ weight('fire_incident', 'cap') }} as fire_cap,
        {{ weight('failed_drill', 'each') }} as drill_each,
        {{ weight('failed_drill', 'window_days') }} as drill_window,
        {{ weight('failed_drill', 'cap') }} as drill_cap,
        {{ weight('on_time_fix', 'each') }} as fix_each,
        {{ weight('on_time_fix', 'window_days') }} as fix_window,
        {{ weight('on_time_fix', 'cap') }} as fix_cap
),

open_hazard as (
    select
        hazard.premises_code,
        hazard.hazard_no,
        -- A mending that nobody else has confirmed stops the clock, not the points.
        severity.value * (
            1 + greatest(0, coalesce(hazard.fixed_on, {{ as_of() }}) - coalesce(hazard.due_on, hazard.found_on))
            / parameter.overdue_days
        ) as points
    from {{ ref('fct_hazard') }} as hazard
    cross join parameter
    inner join {{ ref('risk_weights') }} as severity
        on severity.rule_code = 'open_hazard' and severity.item = hazard.severity and {{ in_force('severity') }}
    where hazard.found_on <= {{ as_of() }}
        and (hazard.state <> 'closed' or hazard.fixed_on > {{ as_of() }})
),

hazard_points as (
    select
        open_hazard.premises_code,
        'open_hazards' as rule_code,
        least(max(parameter.hazard_cap), sum(open_hazard.points)) as points,
        to_jsonb(array_agg(open_hazard.hazard_no order by open_hazard.hazard_no)) as detail
    from open_hazard
    cross join parameter
    group by open_hazard.premises_code
),

category_points as (
    select premises.premises_code, 'category' as rule_code, category.value as points, to_jsonb(premises.category) as detail
    from premises
    inner join {{ ref('risk_weights') }} as category
        on category.rule_code = 'category' and category.item = premises.category and {{ in_force('category') }}
),

fire_points as (
    select
        fire.premises_code,
        'fire_incidents' as rule_code,
        least(
            max(parameter.fire_cap),
            sum(parameter.fire_each * power(0.5, ({{ as_of() }} - fire.reported_on) / parameter.fire_half_life))
        ) as points,
        to_jsonb(array_agg(fire.incident_no order by fire.incident_no)) as detail
    from {{ ref('int_premises_fire') }} as fire
    cross join parameter
    where fire.reported_on <= {{ as_of() }}
    group by fire.premises_code
),

drill_points as (
    select
        drill.premises_code,
        'failed_drill' as rule_code,
        least(max(parameter.drill_cap), count(*) * max(parameter.drill_each)) as points,
        to_jsonb(array_agg(drill.inspection_no order by drill.inspection_no)) as detail
    from {{ ref('fct_inspection') }} as drill
    cross join parameter
    where drill.kind = 'drill' and drill.result = 'fail'
        and drill.inspected_on <= {{ as_of() }} and drill.inspected_on > {{ as_of() }} - parameter.drill_window::int
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
    select premises_code, rule_code, points, detail from fix_points
)

select
    stated.premises_code,
    stated.rule_code,
    stated.points::numeric(6, 1) as points,
    stated.detail
from stated
inner join premises on premises.premises_code = stated.premises_code
