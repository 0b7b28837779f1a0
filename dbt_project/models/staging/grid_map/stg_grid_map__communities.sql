{{ current_version('grid_map', 'communities') }}
