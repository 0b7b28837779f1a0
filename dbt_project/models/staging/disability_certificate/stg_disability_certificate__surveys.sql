{{ current_version('disability_certificate', 'surveys') }}
