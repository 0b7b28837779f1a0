{{ current_version('drone_patrol', 'findings') }}
