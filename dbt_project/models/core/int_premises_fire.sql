-- Fire and rescue dispatches placed on a coded premises: by an address that names exactly one premises, else by the
-- nearest premises within the radius of the score's parameters. A rounded grid of places keeps the join small.
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

premises as (
    select
        premises_code,
        {{ address_key('address') }} as address_key,
        longitude,
        latitude,
        -- 0.001 degree is 111 m of latitude and 96 m of longitude here: wider than the radius.
        floor(longitude * 1000)::int as column_no,
        floor(latitude * 1000)::int as row_no
    from {{ ref('dim_premises') }}
),

lone_address as (
    select address_key, min(premises_code) as premises_code
    from premises
    where address_key is not null
    group by address_key
    having count(*) = 1
),

by_address as (
    select incident.incident_no, lone_address.premises_code
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
),

near as (
    select
        around.incident_no,
        premises.premises_code,
        111195 * sqrt(
            power((premises.longitude - around.longitude) * cos(radians(around.latitude)), 2)
            + power(premises.latitude - around.latitude, 2)
        ) as metres
    from around
    inner join premises on premises.column_no = around.column_no and premises.row_no = around.row_no
),

by_place as (
    select distinct on (incident_no) incident_no, premises_code, metres
    from near
    where metres <= {{ parameter('risk_weights', 'fire_incident', 'radius_metres') }}
    order by incident_no, metres, premises_code
)

select
    incident.incident_no,
    coalesce(by_address.premises_code, by_place.premises_code) as premises_code,
    incident.reported_on,
    incident.disaster_type,
    case when by_address.premises_code is not null then 'address' else 'place' end as placed_by,
    case when by_address.premises_code is null then by_place.metres::numeric(8, 1) end as metres
from incident
left join by_address on by_address.incident_no = incident.incident_no
left join by_place on by_place.incident_no = incident.incident_no
where coalesce(by_address.premises_code, by_place.premises_code) is not null
