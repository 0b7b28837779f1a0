{{ current_version('video_index', 'devices') }}
