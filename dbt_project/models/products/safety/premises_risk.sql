-- The safety colour of every open coded premises, every point of it shown. Grey is "unknown": an input that cannot be
-- used, no visit, or a visit too long ago. A premises that is overdue is never green. Gates come before the score. Rows
-- about a premises that wait in quarantine may hide that it has become worse: its green turns grey until they are
-- settled. So does the green of a producer of hazardous chemicals while nobody knows of its licence. What is known to be
-- worse stays, for no row that waits, and no licence, makes anything better.
with parameter as (
    select
        {{ parameter('risk_weights', 'staleness', 'per_cadence') }} as staleness_each,
        {{ parameter('risk_weights', 'staleness', 'cap') }} as staleness_cap,
        {{ parameter('risk_weights', 'colour', 'red_from') }} as red_from,
        {{ parameter('risk_weights', 'colour', 'yellow_from') }} as yellow_from,
        {{ parameter('risk_weights', 'cadence', 'green') }}::int as green_days,
        {{ parameter('risk_weights', 'cadence', 'yellow') }}::int as yellow_days,
        {{ parameter('risk_weights', 'cadence', 'red') }}::int as red_days,
        {{ parameter('risk_weights', 'cadence', 'grey_after') }} as grey_after,
        {{ parameter_version('risk_weights') }} as score_version,
        -- Without the safety office's own tables nothing can be said.
        {{ unusable_inputs([
            ['safety_inspection', 'premises'], ['safety_inspection', 'inspections'], ['safety_inspection', 'hazards']
        ]) }} as missing_always,
        -- Without these the points may be too few: only a gate is still certain.
        {{ unusable_inputs(risk_point_inputs()) }} as missing_points,
        {{ unusable_inputs([['hazmat_enterprise', 'licences']]) }} as missing_licences
),

visit as (
    select premises_code, max(inspected_on) as last_inspected_on
    from {{ ref('fct_inspection') }}
    where inspected_on <= {{ as_of() }}
    group by premises_code
),

known_point as (
    select
        premises_code,
        sum(points) as points,
        jsonb_agg(
            jsonb_build_object('rule', rule_code, 'points', points, 'detail', detail) order by rule_code
        ) as points_shown,
        string_agg(rule_code || ' ' || trim_scale(points)::text, ', ' order by rule_code) as points_told
    from {{ ref('int_premises_point') }}
    group by premises_code
),

gate as (
    select
        premises_code,
        array_agg(distinct gate_code order by gate_code) as gates,
        string_agg(distinct gate_code || ' ' || hazard_no, ', ' order by gate_code || ' ' || hazard_no) as gates_told
    from {{ ref('int_premises_gate') }}
    group by premises_code
),

held as (
    select
        premises_code,
        array_agg(input order by input) as held_inputs,
        string_agg(rows_held || ' of ' || input, ', ' order by input) as held_told
    from {{ ref('int_premises_held') }}
    where premises_code is not null
    group by premises_code
),

before_staleness as (
    select
        premises.premises_code,
        premises.premises_key,
        premises.enterprise_key,
        premises.name,
        premises.category,
        premises.grid_code,
        premises.community_code,
        premises.longitude,
        premises.latitude,
        premises.opened_on,
        visit.last_inspected_on,
        coalesce(known_point.points, 0) as base_points,
        coalesce(known_point.points_shown, '[]'::jsonb) as points_shown,
        known_point.points_told,
        coalesce(gate.gates, '{}'::text[]) as gates,
        gate.gates_told,
        coalesce(held.held_inputs, '{}'::text[]) as held_inputs,
        held.held_told,
        licence.state as licence_state,
        case
            when gate.premises_code is not null or coalesce(known_point.points, 0) >= parameter.red_from
                then parameter.red_days
            when coalesce(known_point.points, 0) >= parameter.yellow_from then parameter.yellow_days
            else parameter.green_days
        end as base_cadence
    from {{ ref('dim_premises') }} as premises
    cross join parameter
    left join visit on visit.premises_code = premises.premises_code
    left join known_point on known_point.premises_code = premises.premises_code
    left join gate on gate.premises_code = premises.premises_code
    left join held on held.premises_code = premises.premises_code
    left join {{ ref('int_premises_licence') }} as licence on licence.premises_code = premises.premises_code
    where premises.state = 'open'
),

with_staleness as (
    select
        before_staleness.*,
        -- Where nobody ever was, since the place opened.
        least(
            parameter.staleness_cap,
            greatest(0, floor(
                parameter.staleness_each * ({{ as_of() }} - coalesce(last_inspected_on, opened_on)) / base_cadence
            ))
        ) as staleness_points
    from before_staleness
    cross join parameter
),

scored as (
    select
        with_staleness.*,
        greatest(0, least(100, round(base_points + staleness_points)))::int as score
    from with_staleness
),

-- What the known facts alone would say, and how often such premises are to be visited.
known as (
    select
        scored.*,
        case
            when cardinality(gates) > 0 or score >= parameter.red_from then 'red'
            when score >= parameter.yellow_from then 'yellow'
            else 'green'
        end as known_colour,
        case
            when cardinality(gates) > 0 or score >= parameter.red_from then parameter.red_days
            when score >= parameter.yellow_from then parameter.yellow_days
            else parameter.green_days
        end as cadence
    from scored
    cross join parameter
),

judged as (
    select
        known.*,
        parameter.score_version,
        parameter.missing_always || parameter.missing_points || licences.missing as unknown_inputs,
        coalesce(last_inspected_on, opened_on) + cadence as next_inspection_due,
        last_inspected_on is null or {{ as_of() }} > last_inspected_on + cadence as overdue,
        case
            when cardinality(parameter.missing_always) > 0 then 'grey: input'
            when cardinality(gates) > 0 then 'red: gate'
            when cardinality(parameter.missing_points || licences.missing) > 0 then 'grey: input'
            when last_inspected_on is null then 'grey: never'
            when {{ as_of() }} - last_inspected_on > parameter.grey_after * cadence
                or (known_colour = 'green' and {{ as_of() }} > last_inspected_on + cadence) then 'grey: overdue'
            when known_colour = 'green' and cardinality(held_inputs) > 0 then 'grey: held'
            when known_colour = 'green' and licence_state = 'unknown' then 'grey: licence'
            else known_colour
        end as verdict
    from known
    cross join parameter
    cross join lateral (
        select case when known.category = 'hazmat_producer' then parameter.missing_licences else '{}'::text[] end as missing
    ) as licences
)

select
    premises_code,
    premises_key,
    enterprise_key,
    name,
    category,
    grid_code,
    community_code,
    longitude,
    latitude,
    -- A sum that lacks an input is not a score.
    case when cardinality(unknown_inputs) = 0 then score end as score,
    split_part(verdict, ':', 1) as colour,
    case verdict
        when 'grey: input' then 'grey: cannot be judged without ' || array_to_string(unknown_inputs, ', ')
        when 'red: gate' then 'red: gate ' || gates_told
        when 'grey: never' then 'grey: never inspected'
        when 'grey: overdue' then 'grey: last inspected on ' || last_inspected_on || ', was due on ' || next_inspection_due
            || ' (every ' || cadence || ' days for ' || known_colour || ', known points ' || score || ')'
        when 'grey: held' then 'grey: rows about it wait in quarantine (known points ' || score || ')'
        when 'grey: licence' then 'grey: nobody knows of a licence to produce hazardous chemicals here (known points '
            || score || ')'
        else known_colour || ': score ' || score || ' = ' || coalesce(points_told, 'no points')
            || case when staleness_points > 0 then ', staleness ' || staleness_points::int else '' end
    end || coalesce('; held: ' || held_told, '') as reason,
    case
        when staleness_points > 0 then points_shown || jsonb_build_array(jsonb_build_object(
            'rule', 'staleness', 'points', staleness_points, 'detail', last_inspected_on
        ))
        else points_shown
    end as points,
    gates,
    unknown_inputs,
    last_inspected_on,
    next_inspection_due,
    overdue,
    score_version,
    held_inputs
from judged
