{{ current_version('safety_inspection', 'premises', derived={'grid_code': "nullif(btrim(grid_code), '')"}) }}
