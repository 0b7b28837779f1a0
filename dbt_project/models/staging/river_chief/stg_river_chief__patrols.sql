{{ current_version('river_chief', 'patrols') }}
