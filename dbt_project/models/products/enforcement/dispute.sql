-- Disputes taken by the mediation centre, by community, kind and month: opened, mediated, agreed, and open beyond their
-- day. A cell of fewer than five could be recognised by neighbours: it is not shown, not even as zero, and its disputes
-- stand with those of all other such communities in the row of the whole town, if that holds five. No row is the sum of
-- others, so nothing can be found by subtraction. A part of a few is fewer still: how they ended is told from three times
-- the minimum.
with parameter as (
    select
        {{ parameter('event_parameters', 'event', 'dispute_months') }}::integer as months,
        {{ parameter('event_parameters', 'event', 'dispute_cell_from') }} as cell_from,
        {{ parameter_version('event_parameters') }} as method_version,
        {{ unusable_inputs([['dispute_mediation', 'cases'], ['grid_map', 'grids']]) }} as unknown_inputs,
        {{ rows_held([['dispute_mediation', 'cases']]) }} as rows_held_unplaced
),

month as (
    select to_char({{ as_of() }} - make_interval(months => back.n), 'YYYY-MM') as month
    from parameter
    cross join lateral generate_series(0, parameter.months - 1) as back (n)
),

kind as (
    select unnest(array['neighbours', 'family', 'labour', 'property_management', 'tenancy', 'consumer']) as category
),

counted as (
    select
        coalesce(community_code, '') as community_code,
        category,
        to_char(accepted_on, 'YYYY-MM') as month,
        count(*) as opened,
        count(*) filter (where result in ('agreed', 'failed')) as mediated,
        count(*) filter (where result = 'agreed') as agreed,
        count(*) filter (where closed_at is null and late) as open_beyond_limit,
        count(*) filter (where closed_at is null and late is null) as open_without_limit
    from {{ ref('fct_dispute') }}
    where accepted_on <= {{ as_of() }}
    group by 1, 2, 3
),

-- Of every community, each kind and month; '' is where no community is known, which is shown with the town alone.
cell as (
    select
        place.community_code,
        kind.category,
        month.month,
        coalesce(counted.opened, 0) as opened,
        coalesce(counted.mediated, 0) as mediated,
        coalesce(counted.agreed, 0) as agreed,
        coalesce(counted.open_beyond_limit, 0) as open_beyond_limit,
        coalesce(counted.open_without_limit, 0) as open_without_limit,
        coalesce(counted.opened, 0) >= parameter.cell_from and place.community_code <> '' as shown
    from (
        select community_code from {{ ref('dim_community') }}
        union all
        select ''
    ) as place
    cross join kind
    cross join month
    cross join parameter
    left join counted
        on counted.community_code = place.community_code and counted.category = kind.category
        and counted.month = month.month
),

-- The town's row: the disputes of all cells that are not shown.
told as (
    select
        case when shown then community_code else 'town' end as community_code,
        category,
        month,
        sum(opened) as opened,
        sum(mediated) as mediated,
        sum(agreed) as agreed,
        sum(open_beyond_limit) as open_beyond_limit,
        sum(open_without_limit) as open_without_limit
    from cell
    group by 1, 2, 3
),

row_of as (
    select community_code, category, month from cell where community_code <> ''
    union all
    select 'town', kind.category, month.month
    from kind
    cross join month
),

judged as (
    select
        row_of.community_code,
        row_of.category,
        row_of.month,
        case
            when cardinality(parameter.unknown_inputs) > 0 then 'unknown'
            when told.opened >= parameter.cell_from then 'shown'
            when row_of.community_code = 'town' then 'too_few'
            else 'merged'
        end as cell,
        told.opened,
        told.opened >= 3 * parameter.cell_from as parted,
        told.mediated,
        told.agreed,
        told.open_beyond_limit,
        told.open_without_limit,
        parameter.unknown_inputs,
        parameter.method_version,
        parameter.rows_held_unplaced
    from row_of
    cross join parameter
    left join told
        on told.community_code = row_of.community_code and told.category = row_of.category
        and told.month = row_of.month
)

select
    community_code,
    category,
    month,
    cell,
    case when cell = 'shown' then opened end::integer as opened,
    case when cell = 'shown' and parted then mediated end::integer as mediated,
    case when cell = 'shown' and parted then agreed end::integer as agreed,
    case when cell = 'shown' and parted then open_beyond_limit end::integer as open_beyond_limit,
    case when cell = 'shown' and parted then open_without_limit end::integer as open_without_limit,
    unknown_inputs,
    method_version,
    rows_held_unplaced
from judged
