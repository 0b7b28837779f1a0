{{ current_version('lease_register', 'leases') }}
