-- The rows that apps see are written by a role that nobody wears: it owns the functions, and only they run as it.
-- What a process may be (townhub_publisher) can call them and read; it cannot get round them.
DO $$
DECLARE
    p record;
BEGIN
    FOR p IN SELECT released_table FROM control.product LOOP
        EXECUTE format('DROP POLICY publisher ON %s', p.released_table);
        EXECUTE format('CREATE POLICY releaser ON %s TO townhub_releaser USING (true) WITH CHECK (true)', p.released_table);
    END LOOP;
END $$;

-- A candidate is read with the releaser's rights: a view, a row policy or a type of the builder's own would run the
-- builder's code with them. Only plain tables of PostgreSQL's own types are candidates.
CREATE OR REPLACE FUNCTION control.row_source(p_product text, p_release bigint) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pg_class;
BEGIN
    IF p_release IS NOT NULL THEN
        RETURN format(
            '(SELECT * FROM released.%1$I WHERE from_release <= %2$s AND (to_release IS NULL OR to_release > %2$s)) shown',
            p_product, p_release);
    END IF;
    SELECT * INTO found FROM pg_class WHERE oid = to_regclass(format('candidate.%I', p_product));
    IF found.oid IS NULL THEN
        RAISE EXCEPTION 'the candidate table candidate.% does not exist', p_product
            USING HINT = 'build the products first (townhub run)';
    ELSIF found.relkind <> 'r' OR found.relrowsecurity OR EXISTS (
        SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = found.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND t.typnamespace <> 'pg_catalog'::regnamespace
    ) THEN
        RAISE EXCEPTION 'candidate.% is no plain table of plain types', p_product
            USING HINT = 'materialise the model as a table, with the types of PostgreSQL itself and no row policy';
    END IF;
    RETURN format('candidate.%I', p_product);
END $$;
