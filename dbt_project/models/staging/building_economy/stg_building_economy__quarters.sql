{{ current_version('building_economy', 'quarters') }}
