{{ current_version('construction_site', 'dust_readings') }}
