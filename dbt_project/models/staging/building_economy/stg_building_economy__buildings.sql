{{ current_version('building_economy', 'buildings') }}
