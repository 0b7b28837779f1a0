-- Licences for hazardous chemicals. What is dangerous is where they are stored, not where the firm has its office.
select
    licence.licence_no,
    member.entity_key as enterprise_key,
    licence.enterprise_name,
    licence.kind,
    licence.goods,
    licence.hazard_level::integer as hazard_level,
    licence.storage_address,
    licence.office_address,
    {{ address_key('licence.storage_address') }} <> {{ address_key('licence.office_address') }} as stored_elsewhere,
    licence.valid_from,
    licence.valid_to,
    {{ as_of() }} between coalesce(licence.valid_from, date '-infinity') and licence.valid_to as in_force
from {{ ref('stg_hazmat_enterprise__licences') }} as licence
left join {{ source('resolution', 'membership') }} as member
    on member.kind = 'enterprise' and member.to_run is null and member.system = 'hazmat_enterprise'
    and member.stream = 'licences' and member.record_key = licence.record_key
