-- Which record each golden value of a resident came from.
{{ field_sources(ref('dim_resident'), 'resident_key', [
    'resident_id', 'name', 'sex', 'birth_date', 'phone', 'address', 'community_code',
]) }}
