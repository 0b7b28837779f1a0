-- Fire and rescue dispatches placed on coded premises: by an address that names exactly one premises, else by the nearest
-- premises within the radius of the score's parameters. A rounded grid of places keeps the join small. A premises is the
-- place that resolution tells (premises_key): of two codes of one place each has the fire. Only codes that are open have
-- one, or a code long closed would take the fires of whoever is there now. Open is asked of the register as this build has
-- it, like everywhere in the score: nobody tells since when a code is closed.
with incident as (
    select
        incident_no,
        {{ local_date('reported_at') }} as reported_on,
        disaster_type,
        {{ address_key('address') }} as address_key,
        longitude,
        latitude
    from {{ ref('stg_fire_119__incidents') }}
    where state <> 'false_alarm'
),

-- Where open codes are; a closed code of the same place helps to find it.
premises as (
    select
        premises_key,
        {{ address_key('address') }} as address_key,
        longitude,
        latitude,
        -- 0.001 degree is 111 m of latitude and 96 m of longitude here: wider than the radius.
        floor(longitude * 1000)::int as column_no,
        floor(latitude * 1000)::int as row_no
    from {{ ref('dim_premises') }}
    where premises_key in (select code.premises_key from {{ ref('dim_premises') }} as code where code.state = 'open')
),

lone_address as (
    select address_key, min(premises_key) as premises_key
    from premises
    where address_key is not null
    group by address_key
    having count(distinct premises_key) = 1
),

by_address as (
    select incident.incident_no, lone_address.premises_key
    from incident
    inner join lone_address on lone_address.address_key = incident.address_key
),

around as (
    select
        incident.incident_no,
        incident.longitude,
        incident.latitude,
        floor(incident.longitude * 1000)::int + step_x.step as column_no,
        floor(incident.latitude * 1000)::int + step_y.step as row_no
    from incident
    cross join (values (-1), (0), (1)) as step_x (step)
    cross join (values (-1), (0), (1)) as step_y (step)
    where incident.longitude is not null and incident.latitude is not null
        and not exists (select 1 from by_address where by_address.incident_no = incident.incident_no)
),

near as (
    select
        around.incident_no,
        premises.premises_key,
        111195 * sqrt(
            power((premises.longitude - around.longitude) * cos(radians(around.latitude)), 2)
            + power(premises.latitude - around.latitude, 2)
        ) as metres
    from around
    inner join premises on premises.column_no = around.column_no and premises.row_no = around.row_no
),

by_place as (
    select distinct on (incident_no) incident_no, premises_key, metres
    from near
    where metres <= {{ parameter('risk_weights', 'fire_incident', 'radius_metres') }}
    order by incident_no, metres, premises_key
),

placed as (
    select incident_no, premises_key, 'address' as placed_by, null::double precision as metres from by_address
    union all
    select incident_no, premises_key, 'place', metres from by_place
)

select
    incident.incident_no,
    code.premises_code,
    incident.reported_on,
    incident.disaster_type,
    placed.placed_by,
    placed.metres::numeric(8, 1) as metres
from placed
inner join incident on incident.incident_no = placed.incident_no
inner join {{ ref('dim_premises') }} as code on code.premises_key = placed.premises_key and code.state = 'open'
