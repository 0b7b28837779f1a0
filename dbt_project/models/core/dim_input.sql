-- What each stream is worth to this build, by the loads that it reads: a product that needs an unusable one says
-- "unknown". Held rows are counted as they wait now: an unchanged file is not rejected again, and its held rows are as
-- unread as before. A stream of which more waits than the parameter says is not usable either: what did land of it may
-- be anything but the whole. The share is of versions: those that wait, of all that ever landed or wait.
with held as (
    select system, stream, count(*) as rows_held
    from {{ source('control', 'held_rows') }}
    group by system, stream
),

landed as (
    select load.system, load.stream, sum(load.rows_landed)::bigint as rows_landed
    from {{ source('control', 'load') }} as load
    left join {{ source('control', 'build_input') }} as bound
        on bound.system = load.system and bound.stream = load.stream
    where load.state = 'committed' and load.load_id <= coalesce(bound.load_id, load.load_id)
    group by load.system, load.stream
),

counted as (
    select
        status.system,
        status.stream,
        status.state,
        status.last_committed_at,
        coalesce(held.rows_held, 0) as rows_held,
        coalesce(held.rows_held::numeric / (held.rows_held + coalesce(landed.rows_landed, 0)), 0) as held_share
    from {{ source('control', 'input_as_built') }} as status
    left join held on held.system = status.system and held.stream = status.stream
    left join landed on landed.system = status.system and landed.stream = status.stream
)

select
    system,
    stream,
    state,
    state = 'fresh' and not (
        rows_held >= {{ parameter('product_parameters', 'held_rows', 'rows_from') }}
        and held_share > {{ parameter('product_parameters', 'held_rows', 'share_to') }}
    ) as usable,
    rows_held,
    round(held_share, 4)::numeric(5, 4) as held_share,
    last_committed_at
from counted
