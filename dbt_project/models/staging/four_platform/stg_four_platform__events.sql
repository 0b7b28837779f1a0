{{ current_version('four_platform', 'events', derived={'grid_code': "nullif(btrim(grid_code), '')"}) }}
