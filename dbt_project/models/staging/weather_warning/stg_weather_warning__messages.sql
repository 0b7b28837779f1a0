{{ current_version('weather_warning', 'messages') }}
