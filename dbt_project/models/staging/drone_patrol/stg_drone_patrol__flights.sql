{{ current_version('drone_patrol', 'flights') }}
