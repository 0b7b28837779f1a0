-- What a held row is about: its references to things of the town (a place code, a grid, the inspection that found it),
-- so that what waits in quarantine makes its premises unknown and not the whole town. The contract says which fields
-- these are (connectors.contract.REFERENCES); nothing else of a row is ever shown to the models.
ALTER TABLE control.stream ADD refers jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN control.stream.refers IS 'our name of a reference → the upstream''s field';

CREATE OR REPLACE VIEW control.held_rows AS
SELECT q.system, q.stream, CASE WHEN s.landing_schema = 'landing' THEN q.record_key END AS record_key,
    q.first_seen AS held_since,
    (
        -- A held row may say anything anywhere: what is no short code, or could be an identity number, is not told.
        SELECT coalesce(jsonb_object_agg(f.name, q.payload ->> f.field), '{}')
        FROM jsonb_each_text(s.refers) AS f (name, field)
        WHERE s.landing_schema = 'landing' AND q.payload ->> f.field ~ '^[A-Za-z0-9_-]{1,32}$'
            AND q.payload ->> f.field !~ '[0-9]{17}[0-9Xx]'
    ) AS refers
FROM quarantine.row q
LEFT JOIN control.stream s USING (system, stream)
LEFT JOIN control.build_input b USING (system, stream)
WHERE (q.state = 'held' OR q.settled_by_load > b.load_id) AND q.load_id <= coalesce(b.load_id, q.load_id);

-- What waits about a row of a product: the streams, or how many rows; and how many wait about nobody knows which row.
-- Null in releases of before, which did not ask.
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN
        SELECT * FROM (VALUES
            ('premises_risk', ARRAY['held_inputs text[]']),
            ('inspection_plan', ARRAY['held_inputs text[]']),
            ('uninspected_premises', ARRAY['held_inputs text[]']),
            ('grid_risk', ARRAY['rows_held integer', 'rows_held_unplaced integer']),
            ('hazard_closure', ARRAY['rows_held integer']),
            ('event_hotspot', ARRAY['rows_held integer', 'rows_held_unplaced integer']),
            ('dispute', ARRAY['rows_held_unplaced integer']),
            ('repair', ARRAY['rows_held_unplaced integer']),
            ('elder_care_alarm', ARRAY['rows_held integer', 'rows_held_unplaced integer']),
            ('party_organisation', ARRAY['rows_held integer', 'rows_held_unplaced integer']),
            ('service_point', ARRAY['rows_held integer', 'rows_held_unplaced integer']),
            ('deliberation', ARRAY['rows_held integer', 'rows_held_unplaced integer'])
        ) AS added (product, columns)
    LOOP
        EXECUTE format('ALTER TABLE released.%I ADD %s', p.product, array_to_string(p.columns, ', ADD '));
        UPDATE control.product
        SET hash_columns = hash_columns || (SELECT array_agg(split_part(c, ' ', 1)) FROM unnest(p.columns) AS c)
        WHERE product = p.product;
        EXECUTE (
            SELECT format('CREATE OR REPLACE VIEW serving.%I WITH (security_barrier) AS SELECT %s FROM released.%I',
                p.product, string_agg(format('%I', attname), ', ' ORDER BY attnum), p.product)
            FROM pg_attribute
            WHERE attrelid = format('released.%I', p.product)::regclass AND attnum > 0
                AND NOT attisdropped AND attname NOT IN ('from_release', 'to_release')
        );
    END LOOP;
END $$;
ALTER TABLE released.hazard_closure
    DROP CONSTRAINT hazard_closure_state_check,
    ADD CONSTRAINT hazard_closure_state_check CHECK (state IN ('known', 'incomplete', 'unknown'));
