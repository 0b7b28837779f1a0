-- What makes a table of released rows a product: its row in control.product, the range of releases that a row is valid
-- for, one open row per key, row security, and the view that apps see. A migration creates released.<product> and calls
-- this; the roles that may read the view stand in warehouse/grants.py.
CREATE FUNCTION control.open_product(
    p_product text, p_family text, p_keys text[], p_keys_of_ours text[], p_purpose text
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    released constant text := format('released.%I', p_product);
    shown_columns text;
    shown constant text := format($shown$
        from_release <= (SELECT release_id FROM control.release_pointer WHERE family = %1$L)
        AND (to_release IS NULL OR to_release > (SELECT release_id FROM control.release_pointer WHERE family = %1$L))
    $shown$, p_family);
BEGIN
    INSERT INTO control.product (product, family, candidate_table, released_table, key_columns, hash_columns, purpose)
    SELECT p_product, p_family, 'candidate.' || p_product, 'released.' || p_product, p_keys,
        array_agg(attname::text ORDER BY attnum), p_purpose
    FROM pg_attribute
    WHERE attrelid = released::regclass AND attnum > 0 AND NOT attname = ANY (p_keys_of_ours);
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO shown_columns
    FROM pg_attribute WHERE attrelid = released::regclass AND attnum > 0;
    EXECUTE format('ALTER TABLE %s ADD from_release bigint NOT NULL, ADD to_release bigint,
                    ADD CHECK (to_release > from_release)', released);
    EXECUTE format('CREATE UNIQUE INDEX %I ON %s (%s) WHERE to_release IS NULL', p_product || '_open', released,
        (SELECT string_agg(format('%I', k), ', ') FROM unnest(p_keys) k));
    EXECUTE format('CREATE INDEX %I ON %s (from_release, to_release)', p_product || '_range', released);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', released);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', released);
    EXECUTE format('CREATE POLICY releaser ON %s TO townhub_releaser USING (true) WITH CHECK (true)', released);
    -- The view runs as the owner, and the owner sees the released rows of the pointer only.
    EXECUTE format('CREATE POLICY shown ON %s FOR SELECT TO townhub_owner USING (%s)', released, shown);
    EXECUTE format('CREATE VIEW serving.%I WITH (security_barrier) AS SELECT %s FROM %s',
        p_product, shown_columns, released);
END $$;
