{{ current_version('construction_site', 'sites') }}
