-- The case study's own figures beside what the warehouse counts: of the last nine whole months, as the case study's are.
-- Nothing is scaled: in a town of another size only the figures marked scale_free compare. What the overview may not see
-- is left out and says so; what rests on an input that cannot be used, or on fewer than ten records, is unknown.
with figure as (
    select
        stated.*,
        string_to_array(stated.inputs, ' ') as needs
    from {{ ref('case_study_figures') }} as stated
    where {{ in_force('stated') }}
),

need as (
    select figure.figure_code, need.input
    from figure
    cross join lateral unnest(figure.needs) as need (input)
),

without as (
    select need.figure_code, array_agg(need.input order by need.input) as unknown_inputs
    from need
    left join {{ ref('dim_input') }} as input on input.system || '.' || input.stream = need.input
    where not coalesce(input.usable, false)
    group by need.figure_code
),

town as (
    select
        (select count(*) from {{ ref('dim_community') }})::numeric as communities,
        (select count(*) from {{ ref('dim_grid') }})::numeric as grids,
        (select count(distinct indicator_code) from {{ ref('fct_indicator') }})::numeric as indicators
),

-- One row whatever is counted: a missing group is null and makes null what is made of it.
total as (
    select
        max(records) filter (where figure = 'events')::numeric as events,
        max(months) filter (where figure = 'events')::numeric as event_months,
        max(records) filter (where figure = 'reports')::numeric as reports,
        max(records) filter (where figure = 'disputes')::numeric as disputes,
        max(records) filter (where figure = 'inspections')::numeric as inspections,
        max(months) filter (where figure = 'inspections')::numeric as inspection_months,
        max(records) filter (where figure = 'hazards')::numeric as hazards,
        max(records) filter (where figure = 'premises')::numeric as premises,
        max(records) filter (where figure = 'enterprises')::numeric as enterprises,
        max(records) filter (where figure = 'household')::numeric as household,
        max(records) filter (where figure = 'migrants')::numeric as migrants,
        max(records) filter (where figure = 'payments')::numeric as payments,
        max(amount) filter (where figure = 'payments') as payment_sum,
        max(people) filter (where figure = 'payments')::numeric as payees
    from {{ ref('int_case_count') }}
),

counted as (
    select counted.figure_code, counted.value
    from total
    cross join town
    cross join lateral (
        values
        ('residents', total.household + total.migrants),
        ('migrants', total.migrants),
        ('communities', town.communities),
        ('grids', town.grids),
        ('grids_per_community', town.grids / nullif(town.communities, 0)),
        ('residents_per_grid', (total.household + total.migrants) / nullif(town.grids, 0)),
        ('city_indicators', town.indicators),
        ('enterprises', total.enterprises),
        ('events', total.events),
        ('events_per_month', total.events / total.event_months),
        ('event_months', total.event_months),
        ('snapshot_reports', total.reports),
        ('disputes', total.disputes),
        ('premises', total.premises),
        ('inspections', total.inspections),
        ('inspections_per_month', total.inspections / total.inspection_months),
        ('cadence_kept', total.inspections / total.inspection_months / total.premises),
        ('hazards', total.hazards),
        ('hazards_per_inspection', total.hazards / total.inspections),
        ('payments', total.payments),
        ('payment_sum', total.payment_sum),
        ('payees', total.payees),
        ('payments_per_payee', total.payments / nullif(total.payees, 0)),
        ('yuan_per_payment', total.payment_sum / total.payments),
        ('payee_share', total.payees / nullif(total.household + total.migrants, 0))
    ) as counted (figure_code, value)
),

judged as (
    select
        figure.*,
        coalesce(without.unknown_inputs, '{}'::text[]) as unknown_inputs,
        counted.value,
        case
            when figure.figure_code = 'party_organisations' then 'not_permitted'
            when figure.figure_code = 'fire_119_change' then 'not_counted'
            when without.unknown_inputs is not null or counted.value is null then 'unknown'
            else 'counted'
        end as state
    from figure
    left join without on without.figure_code = figure.figure_code
    left join counted on counted.figure_code = figure.figure_code
)

select
    figure_code,
    module,
    label,
    unit,
    stated_low::numeric(18, 4) as stated_low,
    stated_high::numeric(18, 4) as stated_high,
    scale_free,
    note,
    case when state = 'counted' then round(value, 4) end::numeric(20, 4) as hub_value,
    case when state = 'counted' then round(value / nullif((stated_low + stated_high) / 2, 0), 4) end::numeric(12, 4)
        as ratio,
    state,
    case
        when state = 'not_permitted' then 'left out: what it would rest on does not serve the overview of the town'
        when state = 'not_counted' then 'left out: the year before it is not in the warehouse'
        when cardinality(unknown_inputs) > 0 then 'unknown without ' || array_to_string(unknown_inputs, ', ')
        when state = 'unknown' then 'unknown: fewer than ten records or people in the last nine whole months'
        else 'counted'
    end as reason,
    case when state = 'unknown' then unknown_inputs else '{}'::text[] end as unknown_inputs,
    version as figure_version
from judged
