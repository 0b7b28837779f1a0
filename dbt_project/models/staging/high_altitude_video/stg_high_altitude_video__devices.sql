{{ current_version('high_altitude_video', 'devices') }}
