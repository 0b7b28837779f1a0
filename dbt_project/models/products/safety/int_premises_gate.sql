-- What makes premises red whatever their score: an open hazard of severity major, the kinds listed in the dated seed, a
-- major fire hazard (重大火灾隐患) that the fire service has not seen corrected, and a producer of hazardous chemicals whose
-- licences to produce have lapsed (int_premises_licence). Neither of the last two is certain when its register cannot be
-- used.
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
union all
select premises.premises_code, 'major_fire_hazard', document.document_no
from {{ ref('fct_fire_supervision') }} as document
inner join {{ ref('dim_premises') }} as premises on premises.premises_key = document.premises_key
where document.major_hazard and document.inspected_on <= {{ as_of() }}
    and coalesce(document.corrected_on, date '9999-12-31') > {{ as_of() }}
    and cardinality({{ unusable_inputs([['fire_supervision', 'inspections']]) }}) = 0
union all
select premises_code, 'unlicensed_hazmat', licence_no
from {{ ref('int_premises_licence') }}
where state = 'lapsed' and cardinality({{ unusable_inputs([['hazmat_enterprise', 'licences']]) }}) = 0
