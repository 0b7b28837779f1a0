{{ current_version('hazmat_enterprise', 'licences') }}
