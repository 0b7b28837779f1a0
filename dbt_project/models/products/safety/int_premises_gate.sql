-- Hazards that make premises red whatever their score: severity major, and the kinds listed in the dated seed.
with open_hazard as (
    select premises_code, hazard_no, kind, severity
    from {{ ref('fct_hazard') }}
    where found_on <= {{ as_of() }} and (state <> 'closed' or fixed_on > {{ as_of() }})
)

select premises_code, 'open_major_hazard' as gate_code, hazard_no
from open_hazard
where severity = 'major'
union all
select open_hazard.premises_code, gate.gate_code, open_hazard.hazard_no
from open_hazard
inner join {{ ref('risk_gates') }} as gate on open_hazard.kind like gate.hazard_pattern and {{ in_force('gate') }}
