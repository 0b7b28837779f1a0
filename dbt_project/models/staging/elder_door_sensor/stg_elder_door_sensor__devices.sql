{{ current_version('elder_door_sensor', 'devices') }}
