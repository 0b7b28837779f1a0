-- What pictures draw and no view told yet. Grids: their border, so that a map of them needs nothing but the product, and
-- the name of their community. Null in releases of before.
ALTER TABLE released.grid_risk ADD community_name text, ADD border text;
UPDATE control.product SET hash_columns = hash_columns || ARRAY['community_name', 'border'] WHERE product = 'grid_risk';
DO $$
BEGIN
    EXECUTE (
        SELECT format('CREATE OR REPLACE VIEW serving.grid_risk WITH (security_barrier) AS SELECT %s FROM released.grid_risk',
            string_agg(format('%I', attname), ', ' ORDER BY attnum))
        FROM pg_attribute
        WHERE attrelid = 'released.grid_risk'::regclass AND attnum > 0
            AND NOT attisdropped AND attname NOT IN ('from_release', 'to_release')
    );
END $$;

-- How old the inputs of the hub are, as release_info tells how old the releases are: bookkeeping of the hub, live, and
-- no data of the town, so that no gate stands before it.
CREATE VIEW serving.input_info WITH (security_barrier) AS
SELECT i.system, i.stream, s.owner, i.state, i.source_time, i.last_committed_at,
    make_interval(secs => i.freshness_seconds) AS fresh_within
FROM control.input_status i JOIN control.stream s USING (system, stream);
