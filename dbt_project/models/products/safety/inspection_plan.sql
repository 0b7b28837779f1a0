-- When every open coded premises is to be looked at again, and by whom not. Red daily, yellow weekly, green monthly, and
-- grey at once. Beside it a lottery: a share of all premises, whatever their colour, drawn anew every month by a stable
-- hash, because only premises that were not chosen for their risk tell what the score does not see.
with parameter as (
    select
        {{ parameter('risk_weights', 'plan', 'due_within_days') }}::int as due_within_days,
        {{ parameter('risk_weights', 'plan', 'random_share') }} as random_share,
        to_char({{ as_of() }}, 'YYYY-MM') as draw_month,
        -- Without these nobody knows when the last visit was. Without others a premises may be worse than its points
        -- say, so that the day by its known points is the latest possible one.
        cardinality({{ unusable_inputs([
            ['safety_inspection', 'premises'], ['safety_inspection', 'inspections'], ['safety_inspection', 'hazards']
        ]) }}) > 0 as visits_unknown
),

-- Staff are known by their number here. What does not look like one could be a name.
visit as (
    select
        inspection_no,
        premises_code,
        case when inspector ~ '^[A-Za-z0-9]+$' then inspector end as staff_code,
        row_number() over (partition by premises_code order by inspected_at desc, inspection_no desc) as latest_first
    from {{ ref('fct_inspection') }}
    where inspected_on <= {{ as_of() }}
),

-- Whoever found a hazard does not say that it is gone.
waiting as (
    select
        hazard.premises_code,
        count(*) as open_hazards,
        count(*) filter (where hazard.state = 'unconfirmed') as unconfirmed_hazards,
        coalesce(
            array_agg(distinct visit.staff_code order by visit.staff_code) filter (where visit.staff_code is not null),
            '{}'::text[]
        ) as not_by
    from {{ ref('fct_hazard') }} as hazard
    left join visit on visit.inspection_no = hazard.inspection_no
    where hazard.found_on <= {{ as_of() }}
        and (hazard.state <> 'closed' or hazard.fixed_on > {{ as_of() }})
    group by hazard.premises_code
),

planned as (
    select
        risk.premises_code,
        risk.premises_key,
        risk.name,
        risk.category,
        risk.grid_code,
        risk.community_code,
        risk.colour,
        risk.last_inspected_on,
        visit.staff_code as last_inspector,
        coalesce(waiting.open_hazards, 0) as open_hazards,
        coalesce(waiting.unconfirmed_hazards, 0) as unconfirmed_hazards,
        coalesce(waiting.not_by, '{}'::text[]) as not_by,
        case
            when risk.colour = 'grey' and cardinality(risk.unknown_inputs) = 0
                then least(coalesce(risk.next_inspection_due, {{ as_of() }}), {{ as_of() }})
            else coalesce(risk.next_inspection_due, {{ as_of() }})
        end as due_on,
        risk.colour = 'grey' and cardinality(risk.unknown_inputs) > 0 as colour_unknown,
        parameter.visits_unknown,
        parameter.due_within_days,
        parameter.random_share,
        parameter.draw_month,
        ('x' || substr(md5(risk.premises_code || ' ' || parameter.draw_month), 1, 8))::bit(32)::bigint / 4294967296.0
        < parameter.random_share as drawn,
        risk.unknown_inputs,
        risk.held_inputs,
        risk.score_version
    from {{ ref('premises_risk') }} as risk
    cross join parameter
    left join visit on visit.premises_code = risk.premises_code and visit.latest_first = 1
    left join waiting on waiting.premises_code = risk.premises_code
),

judged as (
    select
        planned.*,
        case
            when visits_unknown then 'unknown'
            when due_on < {{ as_of() }} then 'overdue'
            when colour_unknown then 'unknown'
            when due_on <= {{ as_of() }} + due_within_days then 'due'
            else 'later'
        end as state
    from planned
)

select
    premises_code,
    premises_key,
    name,
    category,
    grid_code,
    community_code,
    colour,
    state,
    case when state <> 'unknown' then due_on end as due_on,
    case when state <> 'unknown' then greatest(0, {{ as_of() }} - due_on) end::integer as days_overdue,
    last_inspected_on,
    last_inspector,
    open_hazards::integer as open_hazards,
    unconfirmed_hazards::integer as unconfirmed_hazards,
    open_hazards > 0 as needs_other_inspector,
    not_by,
    drawn,
    case
        when drawn then 'drawn for ' || draw_month || ': ' || trim_scale(100 * random_share)
            || ' % of all open premises, by hash of place code and month'
        else 'not drawn for ' || draw_month
    end as draw_reason,
    case state
        when 'unknown' then 'unknown: cannot be planned without ' || array_to_string(unknown_inputs, ', ')
        when 'overdue' then 'overdue: was due on ' || due_on || ', '
            || coalesce('last inspected on ' || last_inspected_on, 'never inspected')
        when 'due' then 'due: on ' || due_on || case when colour = 'grey' then ', at once, for nobody knows' else '' end
        else 'later: on ' || due_on
    end || case
        when open_hazards > 0 then '; ' || open_hazards || ' hazards wait for a re-inspection by somebody else than '
            || case when cardinality(not_by) > 0 then array_to_string(not_by, ', ') else 'who found them' end
        else ''
    end || case
        when cardinality(held_inputs) > 0 then '; rows about it wait in quarantine: ' || array_to_string(held_inputs, ', ')
        else ''
    end as reason,
    unknown_inputs,
    score_version,
    held_inputs
from judged
