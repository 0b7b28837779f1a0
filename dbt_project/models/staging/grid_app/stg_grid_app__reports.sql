{{ current_version('grid_app', 'reports') }}
