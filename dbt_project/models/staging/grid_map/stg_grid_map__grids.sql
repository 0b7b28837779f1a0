{{ current_version('grid_map', 'grids') }}
