-- Who may publish, and withdrawn releases: a rollback holds the family until a named person lifts the hold.
ALTER TABLE control.release_pointer ADD held_by text;

CREATE OR REPLACE FUNCTION control.obstacles(p_candidate bigint) RETURNS text[] LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    WITH chosen AS (
        SELECT family FROM control.candidate WHERE candidate_id = p_candidate
    ), latest AS (
        SELECT DISTINCT ON (check_name) check_name, state, rows_checked
        FROM control.verdict JOIN chosen USING (family) WHERE candidate_id = p_candidate
        ORDER BY check_name, verdict_id DESC
    ), required AS (
        SELECT check_name FROM control.required_check JOIN chosen USING (family)
    ), found AS (
        SELECT ' ' AS check_name, 'the family is held at release ' || p.release_id || ' since ' || p.held_by
            || ' rolled it back (' || p.reason || '); lift it with `townhub release resume`' AS obstacle
        FROM control.release_pointer p JOIN chosen USING (family) WHERE p.held_by IS NOT NULL
        UNION ALL
        SELECT '' AS check_name, 'no check is required of this family' AS obstacle
        WHERE NOT EXISTS (SELECT FROM required)
        UNION ALL
        SELECT check_name, check_name || CASE
            WHEN l.state IS NULL THEN ' has no verdict'
            WHEN l.state <> 'green' THEN ' is ' || l.state
            ELSE ' looked at no rows' END
        FROM required LEFT JOIN latest l USING (check_name)
        WHERE l.state IS DISTINCT FROM 'green' OR coalesce(l.rows_checked, 0) <= 0
        UNION ALL
        SELECT check_name, check_name || ' is ' || state FROM latest
        WHERE state <> 'green' AND check_name NOT IN (SELECT check_name FROM required)
    )
    SELECT coalesce(array_agg(obstacle ORDER BY check_name), '{}') FROM found
$$;

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
    SELECT release_id INTO current FROM control.release_pointer WHERE family = p_family;
    PERFORM control.move_pointer(p_family, p_release, p_by, p_reason);
    -- Without the hold the next pass would show the withdrawn content again.
    UPDATE control.release_pointer SET held_by = p_by WHERE family = p_family;
    PERFORM control.audit_append(p_by, 'rollback', jsonb_build_object(
        'family', p_family, 'release_id', p_release, 'before', current, 'reason', p_reason));
END $$;

CREATE FUNCTION control.resume(p_family text, p_by text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF coalesce(trim(p_by), '') = '' OR coalesce(trim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'lifting a hold needs a name and a reason' USING HINT = 'say who decides and why; both are audited';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('townhub.family.' || p_family, 0));
    UPDATE control.release_pointer SET held_by = NULL WHERE family = p_family AND held_by IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'family % is not held', p_family USING HINT = 'see `townhub release list`';
    END IF;
    PERFORM control.audit_append(p_by, 'resume', jsonb_build_object('family', p_family, 'reason', p_reason));
END $$;
