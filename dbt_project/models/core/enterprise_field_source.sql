-- Which record each golden value of an enterprise came from.
{{ field_sources(ref('dim_enterprise'), 'enterprise_key', [
    'credit_code', 'taxpayer_no', 'name', 'kind', 'industry', 'state', 'address', 'registered_on', 'closed_on',
]) }}
