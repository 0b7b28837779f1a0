{{ current_version('tax_registry', 'taxpayers') }}
