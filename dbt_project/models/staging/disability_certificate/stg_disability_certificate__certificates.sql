{{ current_version('disability_certificate', 'certificates') }}
