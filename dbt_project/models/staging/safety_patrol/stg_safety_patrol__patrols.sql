{{ current_version('safety_patrol', 'patrols') }}
