-- Kind, system and stream of a membership are not independent: without this PostgreSQL expects one row per stream
-- where there are a hundred thousand, and joins them in a loop.
CREATE STATISTICS resolution.membership_source (ndistinct, dependencies, mcv)
    ON kind, system, stream FROM resolution.membership;
