-- Released history can be deleted: whole releases once their retention is over, and one person's rows of before. What a
-- release was (its day, hashes, verdicts, inputs, who moved the pointer there) stays; that its rows went is noted with it.
ALTER TABLE control.release
    ADD purged_at timestamptz,
    ADD purge_certificate bigint,                -- the entry of the audit chain
    ADD erased_rows bigint NOT NULL DEFAULT 0;   -- of persons of whom nothing is held any more

-- Raise for a release whose rows are not all there any more by their retention: neither its rows nor a hash of them is
-- what it was.
CREATE FUNCTION control.refuse_purged(p_release bigint) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone control.release;
BEGIN
    SELECT * INTO gone FROM control.release WHERE release_id = p_release AND purged_at IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION 'the rows of release % (%) were deleted on % by their retention; audit entry % is the certificate',
            p_release, gone.family, (gone.purged_at AT TIME ZONE 'Asia/Shanghai')::date, gone.purge_certificate
            USING HINT = format('its verdicts and inputs are kept: see `townhub release explain %s`', p_release);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION control.row_source(p_product text, p_release bigint) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found pg_class;
BEGIN
    IF p_release IS NOT NULL THEN
        PERFORM control.refuse_purged(p_release);
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

CREATE OR REPLACE FUNCTION control.rows_at(p_product text, p_release bigint) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM control.product JOIN control.release USING (family)
                   WHERE product = p_product AND release_id = p_release) THEN
        RAISE EXCEPTION 'product % has no release %', p_product, p_release USING HINT = 'see `townhub release list`';
    END IF;
    RETURN QUERY EXECUTE format('SELECT to_jsonb(shown) - ''from_release'' - ''to_release'' FROM %s',
                                control.row_source(p_product, p_release));
END $$;

CREATE OR REPLACE FUNCTION control.rollback(p_family text, p_release bigint, p_by text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    current bigint;
BEGIN
    IF coalesce(trim(p_by), '') = '' OR coalesce(trim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'a rollback needs a name and a reason' USING HINT = 'say who decides and why; both are audited';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('townhub.family.' || p_family, 0));
    IF NOT EXISTS (SELECT FROM control.release WHERE release_id = p_release AND family = p_family) THEN
        RAISE EXCEPTION 'family % has no release %', p_family, p_release USING HINT = 'see `townhub release list`';
    END IF;
    PERFORM control.refuse_purged(p_release);
    SELECT release_id INTO current FROM control.release_pointer WHERE family = p_family;
    PERFORM control.move_pointer(p_family, p_release, p_by, p_reason);
    -- Without the hold the next pass would show the withdrawn content again.
    UPDATE control.release_pointer SET held_by = p_by WHERE family = p_family;
    PERFORM control.audit_append(p_by, 'rollback', jsonb_build_object(
        'family', p_family, 'release_id', p_release, 'before', current, 'reason', p_reason));
END $$;

-- Delete the rows that only releases show which apps saw last before p_before; how many. Rows are valid for a range of
-- releases: those that were closed by the first release that is kept go, and all releases before that are noted as purged.
-- What apps see now is always kept, and so is what came after a release that is shown again by a rollback.
CREATE FUNCTION control.purge_released(p_family text, p_before timestamptz, p_by text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept bigint;
    p record;
    deleted bigint;
    counts jsonb := '{}';
    total bigint := 0;
    going bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('townhub.family.' || p_family, 0));
    SELECT min(release_id) INTO kept
    FROM (SELECT release_id, lead(moved_at) OVER (ORDER BY move_id) AS shown_until FROM control.release_move
          WHERE family = p_family) m
    WHERE shown_until IS NULL OR shown_until >= p_before;
    SELECT array_agg(release_id ORDER BY release_id) INTO going
    FROM control.release WHERE family = p_family AND release_id < kept AND purged_at IS NULL;
    IF going IS NULL THEN
        RETURN 0;
    END IF;
    FOR p IN SELECT product FROM control.product WHERE family = p_family ORDER BY product LOOP
        EXECUTE format('DELETE FROM released.%I WHERE to_release <= $1', p.product) USING kept;
        GET DIAGNOSTICS deleted = ROW_COUNT;
        total := total + deleted;
        counts := counts || jsonb_build_object(p.product, deleted);
    END LOOP;
    UPDATE control.release SET purged_at = clock_timestamp(), purge_certificate = control.audit_append(
        p_by, 'deletion certificate', jsonb_build_object('released', p_family, 'last_shown_before', p_before,
            'releases', jsonb_build_array(going[1], going[cardinality(going)]), 'rows', counts))
    WHERE release_id = going[1];
    UPDATE control.release SET (purged_at, purge_certificate) = (
        SELECT f.purged_at, f.purge_certificate FROM control.release f WHERE f.release_id = going[1])
    WHERE release_id = ANY (going[2:]);
    RETURN total;
END $$;

-- Products that name residents.
CREATE FUNCTION control.products_of_residents() RETURNS TABLE (product text, family text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.product, p.family FROM control.product p
    JOIN pg_attribute a ON a.attrelid = ('released.' || p.product)::regclass AND a.attname = 'resident_key'
        AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY 1
$$;

-- Delete the rows of these residents that apps do not see any more; how many. Each release that showed them is noted: the
-- hash of what it was can no longer be made from its rows. What is shown now goes with the next release, which lacks them.
CREATE FUNCTION control.erase_released(p_keys text[], p_by text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
    found bigint;
    people bigint;
    total bigint := 0;
BEGIN
    FOR p IN SELECT * FROM control.products_of_residents() LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('townhub.family.' || p.family, 0));
        EXECUTE format($q$
            WITH gone AS (
                DELETE FROM released.%I WHERE resident_key = ANY ($1)
                    AND to_release <= (SELECT release_id FROM control.release_pointer WHERE family = $2)
                RETURNING resident_key, from_release, to_release
            ), noted AS (
                UPDATE control.release r SET erased_rows = r.erased_rows + n.rows
                FROM (SELECT s.release_id, count(*) AS rows FROM gone JOIN control.release s
                        ON s.family = $2 AND s.release_id >= from_release AND s.release_id < to_release
                      GROUP BY 1) n
                WHERE r.release_id = n.release_id
            )
            SELECT count(*), count(DISTINCT resident_key) FROM gone $q$, p.product)
        INTO found, people USING p_keys, p.family;
        IF found > 0 THEN
            PERFORM control.audit_append(p_by, 'deletion certificate', jsonb_build_object(
                'released', p.product, 'residents', people, 'rows', found,
                'because', 'none of their records is held any more'));
        END IF;
        total := total + found;
    END LOOP;
    RETURN total;
END $$;
