-- Hashes of rows as PostgreSQL's own types hash them: writing 370,000 rows down as text, four times for each release, was
-- most of what a release cost. One way for both hashes, so a release costs one reading of what it changes and one proof.

-- Columns of a product as they are hashed, those that count for its content or (p_content false) the keys of ours: each in
-- the released table's type, by its bytes and by nobody's collation. Numbers and times of eight bytes are written as they
-- are sent: their own hash folds them to four.
CREATE FUNCTION control.row_values(p_product text, p_content boolean) RETURNS text LANGUAGE plpgsql STABLE
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
    SELECT string_agg(format(CASE
            WHEN a.atttypid IN ('bigint'::regtype, 'timestamptz'::regtype, 'timestamp'::regtype)
                THEN 'encode(' || t.typsend || '(%1$I::%2$s), ''hex'')'
            WHEN a.attcollation <> 0 THEN '%1$I::%2$s COLLATE "C"'
            ELSE '%1$I::%2$s' END, a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum)
    INTO columns FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = ('released.' || p_product)::regclass AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attname NOT IN ('from_release', 'to_release') AND (a.attname = ANY (wanted)) = p_content;
    SELECT string_agg(w, ', ') INTO missing FROM unnest(wanted) w
    WHERE NOT EXISTS (SELECT FROM pg_attribute
                      WHERE attrelid = ('released.' || p_product)::regclass AND attname = w AND attnum > 0);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'product % hashes columns that its released table lacks: %', p_product, missing;
    END IF;
    RETURN format('ROW(%s)', columns);
END $$;

-- Hashes and count of a product in one reading: its content over the hash columns, and exactly, over all of them. Two
-- 64-bit hashes of each row are summed, so the order of rows does not matter and nothing is sorted. Each is hashed once
-- more before, because a row's hash is a sum over its columns: two rows that exchange a value would keep the total.
-- (clock_timestamp() stands there so that a row is hashed once and not once per use.)
DROP FUNCTION control.product_hash(text, bigint, boolean);
CREATE FUNCTION control.product_hash(
    p_product text, p_release bigint, OUT content text, OUT exact text, OUT rows bigint
) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
BEGIN
    EXECUTE format($q$
        SELECT concat_ws(':', count(*), sum(hashtextextended(h0::text, 0)), sum(hashtextextended(h1::text, 1))),
               concat_ws(':', count(*),
                         sum(hashtextextended(h0 || ':' || k0, 0)), sum(hashtextextended(h1 || ':' || k1, 1))),
               count(*)
        FROM (SELECT hash_record_extended(%1$s, 0) AS h0, hash_record_extended(%1$s, 1) AS h1,
                     hash_record_extended(%2$s, 0) AS k0, hash_record_extended(%2$s, 1) AS k1, clock_timestamp()
              FROM %3$s) hashed $q$,
        control.row_values(p_product, true), control.row_values(p_product, false),
        control.row_source(p_product, p_release)) INTO content, exact, rows;
    content := encode(sha256(convert_to(content, 'UTF8')), 'hex');
    exact := encode(sha256(convert_to(exact, 'UTF8')), 'hex');
EXCEPTION WHEN undefined_column OR cannot_coerce THEN
    RAISE EXCEPTION 'candidate.% does not have the columns of released.%: %', p_product, p_product, SQLERRM
        USING HINT = 'the model and the released table must have the same columns and types';
END $$;

-- Both hashes of the candidate tables of a family, or of one product of that name, and the rows of each product.
CREATE FUNCTION control.candidate_hashes(p_name text, OUT content text, OUT exact text, OUT rows jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT string_agg(product || '=' || h.content, ';' ORDER BY product COLLATE "C"),
           string_agg(product || '=' || h.exact, ';' ORDER BY product COLLATE "C"), jsonb_object_agg(product, h.rows)
    INTO content, exact, rows
    FROM control.product CROSS JOIN LATERAL control.product_hash(product, NULL) h
    WHERE family = p_name OR product = p_name;
    IF rows IS NULL THEN
        RAISE EXCEPTION 'there is no product or family %', p_name USING HINT = 'see control.product';
    END IF;
    content := encode(sha256(convert_to(content, 'UTF8')), 'hex');
    exact := encode(sha256(convert_to(exact, 'UTF8')), 'hex');
END $$;

CREATE OR REPLACE FUNCTION control.content_hash(p_name text, p_exact boolean DEFAULT false) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN p_exact THEN exact ELSE content END FROM control.candidate_hashes(p_name)
$$;

-- The same hash of a family as one of its releases shows it.
CREATE OR REPLACE FUNCTION control.release_hash(p_family text, p_release bigint, p_exact boolean DEFAULT false) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(string_agg(
        product || '=' || CASE WHEN p_exact THEN h.exact ELSE h.content END, ';'
        ORDER BY product COLLATE "C"), 'UTF8')), 'hex')
    FROM control.product CROSS JOIN LATERAL control.product_hash(product, p_release) h WHERE family = p_family
$$;

-- One hash of everything that serving shows now, free of entity keys and times.
CREATE OR REPLACE FUNCTION control.serving_hash() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(
        p.product || '=' || CASE WHEN r.release_id IS NULL THEN 'unpublished'
            ELSE (control.product_hash(p.product, r.release_id)).content END, ';'
        ORDER BY p.product COLLATE "C"), ''), 'UTF8')), 'hex')
    FROM control.product p LEFT JOIN control.release_pointer r USING (family)
$$;

-- Close the open rows that the candidate no longer has and open the new ones. History at earlier releases is untouched,
-- also after a rollback: the open rows are those of the newest release, wherever the pointer stands. Rows are compared
-- by their bytes, in a statement of its own: what only reads may use more than one processor.
CREATE OR REPLACE FUNCTION control.apply_product(p_product text, p_release bigint, OUT inserted bigint, OUT closed bigint)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
DECLARE
    candidate text := control.row_source(p_product, NULL);
    keys text[];
    key_list text;
    same_key text;
    names text;
    typed text;
    as_released text;
    as_candidate text;
    repeated bigint;
    gone tid[];
    come tid[];
BEGIN
    -- From here on nobody can put a view in its place: what was looked at is what is read.
    EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', candidate);
    PERFORM control.row_source(p_product, NULL);
    SELECT key_columns INTO keys FROM control.product WHERE product = p_product;
    SELECT string_agg(format('c.%1$I = r.%1$I', k), ' AND '), string_agg(format('%I', k), ', ')
    INTO same_key, key_list FROM unnest(keys) k;
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum),
           string_agg(format('%1$I::%2$s AS %1$I', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum),
           string_agg(format('r.%I', attname), ', ' ORDER BY attnum),
           string_agg(format('c.%I', attname), ', ' ORDER BY attnum)
    INTO names, typed, as_released, as_candidate FROM pg_attribute
    WHERE attrelid = ('released.' || p_product)::regclass AND attnum > 0 AND NOT attisdropped
      AND attname NOT IN ('from_release', 'to_release');
    EXECUTE format('SELECT count(*) FROM (SELECT FROM %s GROUP BY %s HAVING count(*) > 1) twice', candidate, key_list)
    INTO repeated;
    IF repeated > 0 THEN
        RAISE EXCEPTION 'candidate.% has % keys (%) that stand twice', p_product, repeated, array_to_string(keys, ', ')
            USING HINT = 'mend the model so that a key stands once, build again and check again';
    END IF;
    EXECUTE format($q$
        SELECT array_agg(r.ctid) FILTER (WHERE r.ctid IS NOT NULL), array_agg(c.ctid) FILTER (WHERE c.ctid IS NOT NULL)
        FROM (SELECT ctid, %1$s FROM %2$s) c
        FULL JOIN (SELECT ctid, %3$s FROM released.%4$I WHERE to_release IS NULL) r ON %5$s
        WHERE r.ctid IS NULL OR c.ctid IS NULL OR NOT record_image_eq(ROW(%6$s), ROW(%7$s))
    $q$, typed, candidate, names, p_product, same_key, as_candidate, as_released) INTO gone, come;
    EXECUTE format('UPDATE released.%I SET to_release = $1 WHERE ctid = ANY ($2) AND to_release IS NULL', p_product)
    USING p_release, gone;
    GET DIAGNOSTICS closed = ROW_COUNT;
    EXECUTE format('INSERT INTO released.%I (%s, from_release) SELECT %s, $1 FROM %s WHERE ctid = ANY ($2)',
                   p_product, names, typed, candidate)
    USING p_release, come;
    GET DIAGNOSTICS inserted = ROW_COUNT;
END $$;

-- Note the candidate tables as they are now, in one snapshot; the checks then speak of exactly this candidate.
CREATE OR REPLACE FUNCTION control.register_candidate(
    p_family text, p_as_of date, p_inputs jsonb DEFAULT NULL, p_run text DEFAULT NULL
) RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO control.candidate (family, content_hash, exact_hash, row_counts, as_of, inputs, run_id)
    SELECT p_family, content, exact, rows, p_as_of, p_inputs, p_run FROM control.candidate_hashes(p_family)
    RETURNING candidate_id
$$;

-- Raise that the candidate tables are not what was registered, if they are not.
CREATE FUNCTION control.refuse_changed(p_candidate control.candidate) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF control.content_hash(p_candidate.family, true) <> p_candidate.exact_hash THEN
        RAISE EXCEPTION 'candidate % of family % was changed after it was checked', p_candidate.candidate_id,
            p_candidate.family USING HINT = 'register the candidate again and run its checks';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION control.publish(p_candidate bigint, p_by text, p_run text DEFAULT NULL) RETURNS bigint
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
    SELECT release_id INTO current FROM control.release_pointer WHERE family = chosen.family;
    IF EXISTS (SELECT FROM control.release
               WHERE release_id = current AND exact_hash = chosen.exact_hash AND as_of = chosen.as_of) THEN
        PERFORM control.refuse_changed(chosen);
        RETURN current;   -- the same content for the same day is published already
    END IF;
    INSERT INTO control.release (family, candidate_id, content_hash, exact_hash, as_of, published_by, run_id, row_changes)
    VALUES (chosen.family, p_candidate, chosen.content_hash, chosen.exact_hash, chosen.as_of, p_by, p_run, '{}')
    RETURNING release_id INTO fresh;
    BEGIN
        FOR p IN SELECT product FROM control.product WHERE family = chosen.family ORDER BY product LOOP
            SELECT * INTO done FROM control.apply_product(p.product, fresh);
            changes := changes || jsonb_build_object(p.product, jsonb_build_object(
                'rows', chosen.row_counts -> p.product, 'inserted', done.inserted, 'closed', done.closed));
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        PERFORM control.refuse_changed(chosen);   -- the cause, where it is one
        RAISE;
    END;
    -- The one proof, of the rows that apps are to see: they are what was checked, whatever anybody wrote to the
    -- candidate tables before or meanwhile.
    IF control.release_hash(chosen.family, fresh, true) <> chosen.exact_hash THEN
        PERFORM control.refuse_changed(chosen);
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

DROP FUNCTION control.row_text(text, boolean);
