{{ current_version('river_chief', 'water_samples') }}
