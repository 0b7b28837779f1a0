-- Publishing. All functions pin their settings: a caller's search_path or time zone must not change a hash or a table.

-- How a row of a product is written down to be hashed or compared: each column in the released table's type.
CREATE FUNCTION control.row_text(p_product text, p_exact boolean) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns text;
    wanted text[];
    missing text;
BEGIN
    SELECT hash_columns INTO wanted FROM control.product WHERE product = p_product;
    IF wanted IS NULL THEN
        RAISE EXCEPTION 'product % is not registered', p_product
            USING HINT = 'add it to control.product in a migration';
    END IF;
    SELECT string_agg(format('%I::%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) INTO columns
    FROM pg_attribute
    WHERE attrelid = ('released.' || p_product)::regclass AND attnum > 0 AND NOT attisdropped
      AND attname NOT IN ('from_release', 'to_release') AND (p_exact OR attname = ANY (wanted));
    SELECT string_agg(w, ', ') INTO missing FROM unnest(wanted) w
    WHERE NOT EXISTS (SELECT FROM pg_attribute
                      WHERE attrelid = ('released.' || p_product)::regclass AND attname = w AND attnum > 0);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'product % hashes columns that its released table lacks: %', p_product, missing;
    END IF;
    RETURN format('ROW(%s)::text', columns);
END $$;

-- Where a product's rows come from: its candidate table (p_release null), or what a release shows.
CREATE FUNCTION control.row_source(p_product text, p_release bigint) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_release IS NOT NULL THEN
        RETURN format(
            '(SELECT * FROM released.%1$I WHERE from_release <= %2$s AND (to_release IS NULL OR to_release > %2$s)) shown',
            p_product, p_release);
    ELSIF to_regclass(format('candidate.%I', p_product)) IS NULL THEN
        RAISE EXCEPTION 'the candidate table candidate.% does not exist', p_product
            USING HINT = 'build the products first (townhub run)';
    END IF;
    RETURN format('candidate.%I', p_product);
END $$;

-- Hash and count of a product: independent of order and machine over the hash columns; or (p_exact) over all columns
-- and four times as fast, to be compared within one cluster only.
CREATE FUNCTION control.product_hash(p_product text, p_release bigint, p_exact boolean, OUT hash text, OUT rows bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
DECLARE
    portable constant text := $q$
        SELECT concat_ws(':', count(*), sum(('x' || substr(h, 1, 16))::bit(64)::bigint),
                         sum(('x' || substr(h, 17, 16))::bit(64)::bigint)), count(*)
        FROM (SELECT encode(sha256(convert_to(%s, 'UTF8')), 'hex') AS h FROM %s) hashed $q$;
    quick constant text := $q$
        SELECT concat_ws(':', count(*), sum(hashtextextended(t, 0)), sum(hashtextextended(t, 1))), count(*)
        FROM (SELECT %s AS t FROM %s OFFSET 0) written $q$;
BEGIN
    EXECUTE format(CASE WHEN p_exact THEN quick ELSE portable END,
                   control.row_text(p_product, p_exact), control.row_source(p_product, p_release)) INTO hash, rows;
    hash := encode(sha256(convert_to(hash, 'UTF8')), 'hex');
EXCEPTION WHEN undefined_column OR cannot_coerce THEN
    RAISE EXCEPTION 'candidate.% does not have the columns of released.%: %', p_product, p_product, SQLERRM
        USING HINT = 'the model and the released table must have the same columns and types';
END $$;

-- Hash of the candidate tables of a family, or of one product of that name.
CREATE FUNCTION control.content_hash(p_name text, p_exact boolean DEFAULT false) RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text;
BEGIN
    SELECT string_agg(product || '=' || (control.product_hash(product, NULL, p_exact)).hash, ';'
                      ORDER BY product COLLATE "C")
    INTO parts FROM control.product WHERE family = p_name OR product = p_name;
    IF parts IS NULL THEN
        RAISE EXCEPTION 'there is no product or family %', p_name USING HINT = 'see control.product';
    END IF;
    RETURN encode(sha256(convert_to(parts, 'UTF8')), 'hex');
END $$;

CREATE FUNCTION control.candidate_hash(p_family text) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$ SELECT control.content_hash(p_family, false) $$;

-- The same hash of a family as one of its releases shows it.
CREATE FUNCTION control.release_hash(p_family text, p_release bigint, p_exact boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(string_agg(
        product || '=' || (control.product_hash(product, p_release, p_exact)).hash, ';'
        ORDER BY product COLLATE "C"), 'UTF8')), 'hex')
    FROM control.product WHERE family = p_family
$$;

-- One hash of everything that serving shows now, free of entity keys and times.
CREATE FUNCTION control.serving_hash() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(
        p.product || '=' || CASE WHEN r.release_id IS NULL THEN 'unpublished'
            ELSE (control.product_hash(p.product, r.release_id, false)).hash END, ';'
        ORDER BY p.product COLLATE "C"), ''), 'UTF8')), 'hex')
    FROM control.product p LEFT JOIN control.release_pointer r USING (family)
$$;

-- Writers of verdicts and candidates hold this shared, publish holds it alone: no verdict slips in beside a publish.
CREATE FUNCTION control.family_lock() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('townhub.family.' || NEW.family, 0));
    RETURN NEW;
END $$;
CREATE TRIGGER family_lock BEFORE INSERT ON control.verdict FOR EACH ROW EXECUTE FUNCTION control.family_lock();
CREATE TRIGGER family_lock BEFORE INSERT ON control.candidate FOR EACH ROW EXECUTE FUNCTION control.family_lock();

-- Note the candidate tables as they are now; the checks then speak of exactly this candidate.
CREATE FUNCTION control.register_candidate(
    p_family text, p_as_of date, p_inputs jsonb DEFAULT NULL, p_run text DEFAULT NULL
) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
    found_rows bigint;
    counts jsonb := '{}';
    noted bigint;
BEGIN
    FOR p IN SELECT product FROM control.product WHERE family = p_family LOOP
        EXECUTE format('SELECT count(*) FROM %s', control.row_source(p.product, NULL)) INTO found_rows;
        counts := counts || jsonb_build_object(p.product, found_rows);
    END LOOP;
    INSERT INTO control.candidate (family, content_hash, exact_hash, row_counts, as_of, inputs, run_id)
    VALUES (p_family, control.content_hash(p_family), control.content_hash(p_family, true), counts, p_as_of,
            p_inputs, p_run)
    RETURNING candidate_id INTO noted;
    RETURN noted;
END $$;

-- Everything that forbids publishing this candidate, empty when nothing does. Sent as one text per obstacle.
CREATE FUNCTION control.obstacles(p_candidate bigint) RETURNS text[] LANGUAGE sql STABLE
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

CREATE FUNCTION control.move_pointer(p_family text, p_release bigint, p_by text, p_reason text) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO control.release_pointer AS p (family, release_id, moved_at, moved_by, reason)
    VALUES (p_family, p_release, clock_timestamp(), p_by, p_reason)
    ON CONFLICT (family) DO UPDATE
        SET release_id = excluded.release_id, moved_at = excluded.moved_at, moved_by = excluded.moved_by,
            reason = excluded.reason;
    INSERT INTO control.release_move (family, release_id, moved_at, moved_by, reason)
    SELECT family, release_id, moved_at, moved_by, reason FROM control.release_pointer WHERE family = p_family;
$$;

-- Close the open rows that the candidate no longer has and open the new ones. History at earlier releases is untouched,
-- also after a rollback: the open rows are those of the newest release, wherever the pointer stands.
CREATE FUNCTION control.apply_product(p_product text, p_release bigint, OUT inserted bigint, OUT closed bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
DECLARE
    keys text[];
    key_list text;
    typed_keys text;
    same_key text;
    names text;
    typed text;
    row_text text := control.row_text(p_product, true);
    repeated bigint;
BEGIN
    SELECT key_columns INTO keys FROM control.product WHERE product = p_product;
    SELECT string_agg(format('c.%1$I = r.%1$I', k), ' AND '), string_agg(format('%I', k), ', ')
    INTO same_key, key_list FROM unnest(keys) k;
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum),
           string_agg(format('%1$I::%2$s AS %1$I', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum),
           string_agg(format('%1$I::%2$s AS %1$I', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
               FILTER (WHERE attname = ANY (keys))
    INTO names, typed, typed_keys FROM pg_attribute
    WHERE attrelid = ('released.' || p_product)::regclass AND attnum > 0 AND NOT attisdropped
      AND attname NOT IN ('from_release', 'to_release');
    EXECUTE format('SELECT count(*) FROM (SELECT FROM candidate.%I GROUP BY %s HAVING count(*) > 1) twice', p_product,
        key_list) INTO repeated;
    IF repeated > 0 THEN
        RAISE EXCEPTION 'candidate.% has % keys (%) that stand twice', p_product, repeated, array_to_string(keys, ', ')
            USING HINT = 'mend the model so that a key stands once, build again and check again';
    END IF;
    EXECUTE format($q$
        WITH c AS (SELECT %1$s, hashtextextended(t, 0) AS h0, hashtextextended(t, 1) AS h1
                   FROM (SELECT %2$s, %3$s AS t FROM candidate.%4$I OFFSET 0) written),
        r AS (SELECT place, %1$s, hashtextextended(t, 0) AS h0, hashtextextended(t, 1) AS h1
              FROM (SELECT ctid AS place, %1$s, %3$s AS t FROM released.%4$I WHERE to_release IS NULL OFFSET 0) written)
        UPDATE released.%4$I old SET to_release = %5$s FROM r
        WHERE old.ctid = r.place AND NOT EXISTS (SELECT FROM c WHERE %6$s AND c.h0 = r.h0 AND c.h1 = r.h1)
    $q$, key_list, typed_keys, row_text, p_product, p_release, same_key);
    GET DIAGNOSTICS closed = ROW_COUNT;
    EXECUTE format($q$
        INSERT INTO released.%1$I (%2$s, from_release)
        SELECT %2$s, %3$s FROM (SELECT %4$s FROM candidate.%1$I) c
        WHERE NOT EXISTS (SELECT FROM released.%1$I r WHERE r.to_release IS NULL AND %5$s)
    $q$, p_product, names, p_release, typed, same_key);
    GET DIAGNOSTICS inserted = ROW_COUNT;
END $$;

CREATE FUNCTION control.publish(p_candidate bigint, p_by text, p_run text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    chosen control.candidate;
    newest bigint;
    current bigint;
    obstacles text[];
    fresh bigint;
    p record;
    done record;
    changes jsonb := '{}';
BEGIN
    IF coalesce(p_by, '') = '' THEN
        RAISE EXCEPTION 'publish needs to know who publishes' USING HINT = 'pass p_by';
    END IF;
    -- A transaction with an older snapshot would not see the newest verdicts.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'publish runs in READ COMMITTED only'
            USING HINT = 'begin a transaction without an isolation level';
    END IF;
    SELECT * INTO chosen FROM control.candidate WHERE candidate_id = p_candidate;
    IF chosen.candidate_id IS NULL THEN
        RAISE EXCEPTION 'there is no candidate %', p_candidate USING HINT = 'build and register one (townhub run)';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('townhub.family.' || chosen.family, 0));
    SELECT max(candidate_id) INTO newest FROM control.candidate WHERE family = chosen.family;
    IF newest <> p_candidate THEN
        RAISE EXCEPTION 'candidate % of family % is not the newest: % is', p_candidate, chosen.family, newest
            USING HINT = 'publish the newest candidate, once its checks have run';
    END IF;
    obstacles := control.obstacles(p_candidate);
    IF cardinality(obstacles) > 0 THEN
        RAISE EXCEPTION 'candidate % of family % may not be published: %', p_candidate, chosen.family,
            array_to_string(obstacles, '; ')
            USING HINT = 'mend the cause, build and check again; the last good release stays';
    END IF;
    IF control.content_hash(chosen.family, true) <> chosen.exact_hash THEN
        RAISE EXCEPTION 'candidate % of family % was changed after it was checked', p_candidate, chosen.family
            USING HINT = 'register the candidate again and run its checks';
    END IF;
    SELECT release_id INTO current FROM control.release_pointer WHERE family = chosen.family;
    IF EXISTS (SELECT FROM control.release
               WHERE release_id = current AND exact_hash = chosen.exact_hash AND as_of = chosen.as_of) THEN
        RETURN current;   -- the same content for the same day is published already
    END IF;
    INSERT INTO control.release (family, candidate_id, content_hash, exact_hash, as_of, published_by, run_id, row_changes)
    VALUES (chosen.family, p_candidate, chosen.content_hash, chosen.exact_hash, chosen.as_of, p_by, p_run, '{}')
    RETURNING release_id INTO fresh;
    FOR p IN SELECT product FROM control.product WHERE family = chosen.family ORDER BY product LOOP
        SELECT * INTO done FROM control.apply_product(p.product, fresh);
        changes := changes || jsonb_build_object(p.product, jsonb_build_object(
            'rows', chosen.row_counts -> p.product, 'inserted', done.inserted, 'closed', done.closed));
    END LOOP;
    -- Somebody may have written to the candidate tables meanwhile: what was published must be what was checked.
    IF control.release_hash(chosen.family, fresh, true) <> chosen.exact_hash THEN
        RAISE EXCEPTION 'candidate % of family % was changed while it was published', p_candidate, chosen.family
            USING HINT = 'register the candidate again and run its checks';
    END IF;
    UPDATE control.release SET row_changes = changes WHERE release_id = fresh;
    PERFORM control.move_pointer(chosen.family, fresh, p_by, NULL);
    PERFORM control.audit_append(p_by, 'publish', jsonb_build_object(
        'family', chosen.family, 'release_id', fresh, 'candidate_id', p_candidate, 'before', current,
        'content_hash', chosen.content_hash, 'run_id', p_run));
    RETURN fresh;
END $$;

CREATE FUNCTION control.rollback(p_family text, p_release bigint, p_by text, p_reason text) RETURNS void
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
    PERFORM control.audit_append(p_by, 'rollback', jsonb_build_object(
        'family', p_family, 'release_id', p_release, 'before', current, 'reason', p_reason));
END $$;

-- The rows of a product as a release has them, and the release that was shown at a moment (null: none yet).
CREATE FUNCTION control.rows_at(p_product text, p_release bigint) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM control.product JOIN control.release USING (family)
                   WHERE product = p_product AND release_id = p_release) THEN
        RAISE EXCEPTION 'product % has no release %', p_product, p_release USING HINT = 'see `townhub release list`';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT to_jsonb(r) - ''from_release'' - ''to_release'' FROM released.%I r
         WHERE from_release <= $1 AND (to_release IS NULL OR to_release > $1)', p_product) USING p_release;
END $$;

CREATE FUNCTION control.release_at(p_family text, p_at timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT release_id FROM control.release_move WHERE family = p_family AND moved_at <= p_at
    ORDER BY moved_at DESC, move_id DESC LIMIT 1
$$;

CREATE FUNCTION control.as_shown(p_product text, p_at timestamptz) RETURNS SETOF jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT shown FROM control.product p
    CROSS JOIN LATERAL (SELECT control.release_at(p.family, p_at) AS release_id) r
    CROSS JOIN LATERAL control.rows_at(p.product, r.release_id) shown
    WHERE p.product = p_product AND r.release_id IS NOT NULL
$$;
