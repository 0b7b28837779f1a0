{{ current_version('district_data_centre', 'feeds') }}
