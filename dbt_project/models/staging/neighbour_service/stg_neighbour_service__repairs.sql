{{ current_version('neighbour_service', 'repairs') }}
