{{ current_version('property_register', 'rentals') }}
