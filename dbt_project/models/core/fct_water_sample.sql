-- Water samples in mg/L whatever the laboratory's unit, with the class of GB 3838 that the value alone would give.
with sample as (
    select
        section_code,
        sampled_on,
        parameter,
        river_code,
        (value::numeric * case when unit = 'ug_per_l' then 0.001 else 1 end)::numeric(12, 4) as mg_per_l
    from {{ ref('stg_river_chief__water_samples') }}
)

select
    sample.section_code,
    sample.sampled_on,
    sample.parameter,
    sample.river_code,
    sample.mg_per_l,
    case
        when count(water.class) > 0 then coalesce(
            min(water.class) filter (
                where (water.bound = 'at_most' and sample.mg_per_l <= water.mg_per_l)
                    or (water.bound = 'at_least' and sample.mg_per_l >= water.mg_per_l)
            ),
            6
        )
    end::integer as water_class
from sample
left join {{ ref('water_classes') }} as water on water.parameter = sample.parameter and {{ in_force('water') }}
group by sample.section_code, sample.sampled_on, sample.parameter, sample.river_code, sample.mg_per_l
