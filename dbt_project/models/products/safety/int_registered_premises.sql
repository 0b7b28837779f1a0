-- Premises that other registers know, one row per register and record that stands now: what "registers minus inspected"
-- starts from. By key from resolution where the records of the register are premises to it; the market register knows
-- firms, which are found by the firm. No owner, tenant or person in charge is read; a self-employed person's trade name is
-- mostly their own, and their address their home: of them no name and no place is told, the door serves the grid alone.
with recorded as (
    (
        select distinct on (coalesce(premises_key, document_no))
            'fire_supervision.inspections' as register,
            document_no as record_key,
            premises_key,
            null::text as enterprise_key,
            null::text as premises_code,
            unit_name as name,
            null::text as category,
            address as place,
            true as surely_there,
            true as told
        from {{ ref('fct_fire_supervision') }}
        where inspected_on <= {{ as_of() }}
            and inspected_on > {{ as_of() }} - {{ parameter('risk_weights', 'discovery', 'fire_window_days') }}::int
        order by coalesce(premises_key, document_no), inspected_on desc, document_no desc
    )
    union all
    select
        'construction_site.sites', site.permit_no, member.entity_key, null, null, site.project_name,
        'construction_site', site.address, site.phase = 'open', true
    from {{ ref('dim_construction_site') }} as site
    left join {{ source('resolution', 'membership') }} as member
        on member.kind = 'premises' and member.to_run is null and member.system = 'construction_site'
        and member.stream = 'sites' and member.record_key = site.permit_no
    where site.phase <> 'ended' and site.started_on <= {{ as_of() }}
    union all
    -- What is dangerous is where they are stored: the code of the firm's office does not stand for it.
    select
        'hazmat_enterprise.licences', licence.licence_no, member.entity_key, null, null, licence.enterprise_name,
        case when licence.kind = 'production' then 'hazmat_producer' end, licence.storage_address, true, true
    from {{ ref('dim_hazmat_licence') }} as licence
    left join {{ source('resolution', 'membership') }} as member
        on member.kind = 'premises' and member.to_run is null and member.system = 'hazmat_enterprise'
        and member.stream = 'licences' and member.record_key = licence.licence_no
    where licence.in_force
    union all
    select
        'property_register.rentals', rental.filing_no, member.entity_key, null, null, null,
        'rental_housing', rental.location, true, true
    from {{ ref('dim_rental') }} as rental
    left join {{ source('resolution', 'membership') }} as member
        on member.kind = 'premises' and member.to_run is null and member.system = 'property_register'
        and member.stream = 'rentals' and member.record_key = rental.filing_no
    where rental.state = 'running' and rental.filed_on <= {{ as_of() }}
        and coalesce(rental.ended_on, date '9999-12-31') > {{ as_of() }}
    union all
    (
        select distinct on (coalesce(member.entity_key, sensor.install_no))
            'smoke_sensor.installations', sensor.install_no, member.entity_key, null, sensor.premises_code,
            sensor.unit_name, null, sensor.address, true, true
        from {{ ref('dim_sensor') }} as sensor
        left join {{ source('resolution', 'membership') }} as member
            on member.kind = 'premises' and member.to_run is null and member.system = 'smoke_sensor'
            and member.stream = 'installations' and member.record_key = sensor.install_no
        where sensor.state = 'installed' and sensor.installed_on <= {{ as_of() }}
        order by coalesce(member.entity_key, sensor.install_no), sensor.installed_on desc, sensor.install_no desc
    )
    union all
    -- An address in the market register is where letters go: often a shop, as often a desk.
    select
        'market_registration.enterprises', firm.registration_no, null, member.entity_key, null, firm.name,
        case firm.kind when 'self_employed' then 'street_shop' else 'general_enterprise' end, firm.address, false,
        coalesce(firm.kind = 'firm', false)
    from {{ ref('stg_market_registration__enterprises') }} as firm
    left join {{ source('resolution', 'membership') }} as member
        on member.kind = 'enterprise' and member.to_run is null and member.system = 'market_registration'
        and member.stream = 'enterprises' and member.record_key = firm.record_key
    where firm.state = 'open' and coalesce(firm.registered_on, date '-infinity') <= {{ as_of() }}
)

select
    register,
    record_key,
    premises_key,
    enterprise_key,
    premises_code,
    case when told then name end as name,
    category,
    case when told then place end as place,
    {{ door_key('place') }} as door_key,
    surely_there
from recorded
