-- The safety colour of a grid: the mean score of its premises whose colour is known, drawn towards the town's mean the
-- more the fewer they are (empirical Bayes, method of moments). Gates come before the score here too: premises that are
-- red by a gate count with no less than the score from which premises are red. Grey below the minimum or without an
-- input. Rows that wait in quarantine have made the premises that they are about grey; those that can be of any premises
-- are told.
with parameter as (
    select
        {{ parameter('risk_weights', 'grid', 'minimum_premises') }} as minimum_premises,
        {{ parameter('risk_weights', 'colour', 'red_from') }} as premises_red_from,
        {{ parameter('risk_weights', 'grid', 'red_from') }} as red_from,
        {{ parameter('risk_weights', 'grid', 'orange_from') }} as orange_from,
        {{ parameter('risk_weights', 'grid', 'yellow_from') }} as yellow_from,
        {{ parameter('risk_weights', 'grid', 'blue_from') }} as blue_from,
        {{ parameter('risk_weights', 'grid', 'high_confidence_from') }} as high_from,
        {{ parameter('risk_weights', 'grid', 'medium_confidence_from') }} as medium_from,
        {{ parameter_version('risk_weights') }} as score_version,
        {{ unusable_inputs(risk_point_inputs() + [
            ['safety_inspection', 'premises'], ['safety_inspection', 'inspections'], ['safety_inspection', 'hazards'],
            ['grid_map', 'grids']
        ]) }} as unknown_inputs
),

premises as (
    select
        risk.grid_code,
        risk.colour,
        risk.colour = 'red' and cardinality(risk.gates) > 0 as gated,
        case
            -- A gate is certain also where the sum of points lacks an input: greatest() skips the score that is null.
            when risk.colour = 'red' and cardinality(risk.gates) > 0 then greatest(risk.score, parameter.premises_red_from)
            when risk.colour <> 'grey' then risk.score
        end as score
    from {{ ref('premises_risk') }} as risk
    cross join parameter
    where risk.grid_code is not null
),

counted as (
    select
        grid_code,
        count(*) as premises_count,
        count(score) as scored_count,
        count(*) filter (where colour = 'red') as red_count,
        count(*) filter (where colour = 'yellow') as yellow_count,
        count(*) filter (where colour = 'green') as green_count,
        count(*) filter (where colour = 'grey') as grey_count,
        count(*) filter (where gated) as gated_count,
        avg(score) as mean_score,
        coalesce(var_samp(score), 0) * greatest(count(score) - 1, 0) as squares_within
    from premises
    group by grid_code
),

held as (
    select
        premises.grid_code,
        coalesce(sum(waiting.rows_held), 0) as rows_held
    from {{ ref('int_premises_held') }} as waiting
    inner join {{ ref('premises_risk') }} as premises on premises.premises_code = waiting.premises_code
    group by premises.grid_code
),

unplaced as (
    select coalesce(sum(rows_held), 0) as rows_held from {{ ref('int_premises_held') }} where premises_code is null
),

-- Within-grid variance pooled over the town; between-grid variance is what the spread of means exceeds it by.
town as (
    select
        sum(mean_score * scored_count) / nullif(sum(scored_count), 0) as mean_score,
        sum(squares_within) / nullif(sum(greatest(scored_count - 1, 0)), 0) as within_variance,
        greatest(0, coalesce(var_samp(mean_score), 0)
            - coalesce(sum(squares_within) / nullif(sum(greatest(scored_count - 1, 0)), 0), 0)
            * coalesce(avg(1.0 / nullif(scored_count, 0)), 0)) as between_variance
    from counted
    where scored_count > 0
),

shrunk as (
    select
        counted.*,
        case
            when town.between_variance > 0 then
                (counted.scored_count * counted.mean_score + town.within_variance / town.between_variance * town.mean_score)
                / (counted.scored_count + town.within_variance / town.between_variance)
            -- No spread between grids beyond chance: all grids are the town.
            else town.mean_score
        end as shrunk_score
    from counted
    cross join town
    where counted.scored_count > 0
),

judged as (
    select
        grid.grid_code,
        grid.community_code,
        grid.name,
        grid.community_name,
        grid.geometry as border,
        coalesce(counted.premises_count, 0) as premises_count,
        coalesce(counted.scored_count, 0) as scored_count,
        coalesce(counted.red_count, 0) as red_count,
        coalesce(counted.yellow_count, 0) as yellow_count,
        coalesce(counted.green_count, 0) as green_count,
        coalesce(counted.grey_count, 0) as grey_count,
        coalesce(held.rows_held, 0) as rows_held,
        unplaced.rows_held as rows_held_unplaced,
        coalesce(counted.scored_count::numeric / nullif(counted.premises_count, 0), 0) as coverage,
        shrunk.mean_score as raw_score,
        shrunk.shrunk_score,
        parameter.score_version,
        parameter.unknown_inputs,
        parameter.minimum_premises,
        case
            when counted.gated_count > 0
                then ' (red by a gate counts as at least ' || trim_scale(parameter.premises_red_from) || ')'
            else ''
        end as gates_told,
        case
            when cardinality(parameter.unknown_inputs) > 0 then 'grey'
            when coalesce(counted.scored_count, 0) < parameter.minimum_premises then 'grey'
            when shrunk.shrunk_score >= parameter.red_from then 'red'
            when shrunk.shrunk_score >= parameter.orange_from then 'orange'
            when shrunk.shrunk_score >= parameter.yellow_from then 'yellow'
            when shrunk.shrunk_score >= parameter.blue_from then 'blue'
            else 'green'
        end as colour,
        case
            when counted.scored_count::numeric / counted.premises_count >= parameter.high_from then 'high'
            when counted.scored_count::numeric / counted.premises_count >= parameter.medium_from then 'medium'
            else 'low'
        end as known_confidence
    from {{ ref('dim_grid') }} as grid
    cross join parameter
    cross join unplaced
    left join held on held.grid_code = grid.grid_code
    left join counted on counted.grid_code = grid.grid_code
    left join shrunk on shrunk.grid_code = grid.grid_code
)

select
    grid_code,
    community_code,
    name,
    premises_count::integer as premises_count,
    scored_count::integer as scored_count,
    red_count::integer as red_count,
    yellow_count::integer as yellow_count,
    green_count::integer as green_count,
    grey_count::integer as grey_count,
    round(coverage, 4)::numeric(5, 4) as coverage,
    case when cardinality(unknown_inputs) = 0 then round(raw_score, 3) end::numeric(8, 3) as raw_score,
    case when cardinality(unknown_inputs) = 0 then round(shrunk_score, 3) end::numeric(8, 3) as shrunk_score,
    colour,
    case when colour = 'grey' then 'none' else known_confidence end as confidence,
    case
        when cardinality(unknown_inputs) > 0 then 'grey: cannot be judged without ' || array_to_string(unknown_inputs, ', ')
        when colour = 'grey' then 'grey: ' || scored_count || ' of ' || premises_count
            || ' premises have a known colour, at least ' || trim_scale(minimum_premises) || ' are needed'
        else colour || ': mean score ' || round(raw_score, 1) || ' over ' || scored_count || ' of ' || premises_count
            || ' premises' || gates_told || ', ' || round(shrunk_score, 1) || ' after shrinkage to the town'
    end as reason,
    score_version,
    rows_held::integer as rows_held,
    rows_held_unplaced::integer as rows_held_unplaced,
    community_name,
    border
from judged
