{{ current_version('certificate_library', 'certificates') }}
