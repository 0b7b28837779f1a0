{{ current_version('tax_analysis', 'collections') }}
