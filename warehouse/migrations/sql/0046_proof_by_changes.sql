-- A release is proven by what it changes. The hash of a product is made of sums over its rows, so those of the release
-- before, less those of the rows that were closed and more those of the rows that came, are the sums of what apps are to
-- see: that no other row differs from the candidate was seen byte by byte when the two were held against each other. Where
-- the sums are not known, or do not come to what was checked, every row is hashed, as before. No hash is another one.

-- product → rows, and the sums of both hashes of its content and of all its columns. Null: from before this migration.
ALTER TABLE control.release ADD sums jsonb;

-- SQL for the sums over rows that come as two records: `content` and `keys` (`control.row_values`).
-- (clock_timestamp() stands there so that a row is hashed once and not once per use.)
CREATE FUNCTION control.summing(p_rows text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT format($q$
        SELECT ARRAY[count(*), sum(hashtextextended(h0::text, 0)), sum(hashtextextended(h1::text, 1)),
                     sum(hashtextextended(h0 || ':' || k0, 0)), sum(hashtextextended(h1 || ':' || k1, 1))]
        FROM (SELECT hash_record_extended(content, 0) AS h0, hash_record_extended(content, 1) AS h1,
                     hash_record_extended(keys, 0) AS k0, hash_record_extended(keys, 1) AS k1, clock_timestamp()
              FROM %s) hashed $q$, p_rows)
$$;

-- Sums of a product's candidate table, or of what one release shows of it. Each row is made a record once, for both seeds.
CREATE FUNCTION control.product_sums(p_product text, p_release bigint, OUT sums numeric[]) LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
BEGIN
    EXECUTE control.summing(format('(SELECT %s AS content, %s AS keys, clock_timestamp() FROM %s) made',
        control.row_values(p_product, true), control.row_values(p_product, false),
        control.row_source(p_product, p_release))) INTO sums;
EXCEPTION WHEN undefined_column OR cannot_coerce THEN
    RAISE EXCEPTION 'candidate.% does not have the columns of released.%: %', p_product, p_product, SQLERRM
        USING HINT = 'the model and the released table must have the same columns and types';
END $$;

-- The hash that sums stand for: of the content, or of all columns. Of no rows there is no sum.
CREATE FUNCTION control.sums_hash(p_sums numeric[], p_exact boolean) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(CASE WHEN p_exact THEN concat_ws(':', p_sums[1], p_sums[4], p_sums[5])
        ELSE concat_ws(':', p_sums[1], p_sums[2], p_sums[3]) END, 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION control.product_hash(
    p_product text, p_release bigint, OUT content text, OUT exact text, OUT rows bigint
) LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT control.sums_hash(s.sums, false), control.sums_hash(s.sums, true), s.sums[1]::bigint
    FROM control.product_sums(p_product, p_release) s
$$;

-- Sums of every product of a family as one of its releases shows it, every row hashed.
CREATE FUNCTION control.release_sums(p_family text, p_release bigint) RETURNS jsonb LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT jsonb_object_agg(product, to_jsonb(s.sums))
    FROM control.product CROSS JOIN LATERAL control.product_sums(product, p_release) s WHERE family = p_family
$$;

-- Those of one product, null where they are not known.
CREATE FUNCTION control.sums_of(p_sums jsonb, p_product text) RETURNS numeric[] LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE jsonb_typeof(p_sums -> p_product) WHEN 'array' THEN ARRAY(
        SELECT each::numeric FROM jsonb_array_elements_text(p_sums -> p_product) WITH ORDINALITY AS e (each, place)
        ORDER BY place) END
$$;

-- The exact hash of a family whose products have these sums.
CREATE FUNCTION control.family_hash(p_sums jsonb) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(string_agg(
        product || '=' || control.sums_hash(control.sums_of(p_sums, product), true), ';'
        ORDER BY product COLLATE "C"), 'UTF8')), 'hex')
    FROM jsonb_object_keys(p_sums) product
$$;

-- Close the open rows that the candidate no longer has and open the new ones. History at earlier releases is untouched,
-- also after a rollback: the open rows are those of the newest release, wherever the pointer stands. Rows are compared
-- by their bytes, in a statement of its own: what only reads may use more than one processor. `sums`: of the product as
-- it is now, where those of before (p_before) are known.
DROP FUNCTION control.apply_product(text, bigint);
CREATE FUNCTION control.apply_product(
    p_product text, p_release bigint, p_before numeric[], OUT inserted bigint, OUT closed bigint, OUT sums numeric[]
) LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
DECLARE
    candidate text := control.row_source(p_product, NULL);
    records text := format('%s AS content, %s AS keys',
                           control.row_values(p_product, true), control.row_values(p_product, false));
    same_key text;
    names text;
    typed text;
    as_released text;
    as_candidate text;
    gone tid[];
    come tid[];
    less numeric[];
    more numeric[];
BEGIN
    -- From here on nobody can put a view in its place: what was looked at is what is read.
    EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', candidate);
    PERFORM control.row_source(p_product, NULL);
    SELECT string_agg(format('c.%1$I = r.%1$I', k), ' AND ')
    INTO same_key FROM control.product, unnest(key_columns) k WHERE product = p_product;
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum),
           string_agg(format('%1$I::%2$s AS %1$I', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum),
           string_agg(format('r.%I', attname), ', ' ORDER BY attnum),
           string_agg(format('c.%I', attname), ', ' ORDER BY attnum)
    INTO names, typed, as_released, as_candidate FROM pg_attribute
    WHERE attrelid = ('released.' || p_product)::regclass AND attnum > 0 AND NOT attisdropped
      AND attname NOT IN ('from_release', 'to_release');
    EXECUTE format($q$
        SELECT array_agg(r.ctid) FILTER (WHERE r.ctid IS NOT NULL), array_agg(c.ctid) FILTER (WHERE c.ctid IS NOT NULL)
        FROM (SELECT ctid, %1$s FROM %2$s) c
        FULL JOIN (SELECT ctid, %3$s FROM released.%4$I WHERE to_release IS NULL) r ON %5$s
        WHERE r.ctid IS NULL OR c.ctid IS NULL OR NOT record_image_eq(ROW(%6$s), ROW(%7$s))
    $q$, typed, candidate, names, p_product, same_key, as_candidate, as_released) INTO gone, come;
    -- What is hashed are the rows as they were written.
    EXECUTE format('WITH written AS (UPDATE released.%I SET to_release = $1'
                   ' WHERE ctid = ANY ($2) AND to_release IS NULL RETURNING %s) %s',
                   p_product, records, control.summing('written'))
    INTO less USING p_release, gone;
    EXECUTE format('WITH written AS (INSERT INTO released.%I (%s, from_release)'
                   ' SELECT %s, $1 FROM %s WHERE ctid = ANY ($2) RETURNING %s) %s',
                   p_product, names, typed, candidate, records, control.summing('written'))
    INTO more USING p_release, come;
    closed := less[1];
    inserted := more[1];
    IF p_before IS NOT NULL THEN
        sums := ARRAY(SELECT coalesce(p_before[place], 0) - coalesce(less[place], 0) + coalesce(more[place], 0)
                      FROM generate_series(1, 5) place ORDER BY place);
        IF sums[1] = 0 THEN
            sums := ARRAY[0, NULL, NULL, NULL, NULL];
        END IF;
    END IF;
END $$;

-- Raise that keys of the candidate tables stand twice, if they do. What apps see has each key once, by its indexes, so a
-- candidate that repeats one does not get through; this finds the words for it.
CREATE FUNCTION control.refuse_repeated(p_family text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    p record;
    repeated bigint;
BEGIN
    FOR p IN SELECT product, key_columns FROM control.product WHERE family = p_family ORDER BY product LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s GROUP BY %s HAVING count(*) > 1) twice',
                       control.row_source(p.product, NULL),
                       (SELECT string_agg(format('%I', k), ', ') FROM unnest(p.key_columns) k))
        INTO repeated;
        IF repeated > 0 THEN
            RAISE EXCEPTION 'candidate.% has % keys (%) that stand twice', p.product, repeated,
                array_to_string(p.key_columns, ', ')
                USING HINT = 'mend the model so that a key stands once, build again and check again';
        END IF;
    END LOOP;
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
    before jsonb;
    proven jsonb := '{}';
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
    SELECT sums INTO before FROM control.release WHERE family = chosen.family ORDER BY release_id DESC LIMIT 1;
    INSERT INTO control.release (family, candidate_id, content_hash, exact_hash, as_of, published_by, run_id, row_changes)
    VALUES (chosen.family, p_candidate, chosen.content_hash, chosen.exact_hash, chosen.as_of, p_by, p_run, '{}')
    RETURNING release_id INTO fresh;
    BEGIN
        FOR p IN SELECT product FROM control.product WHERE family = chosen.family ORDER BY product LOOP
            SELECT * INTO done FROM control.apply_product(p.product, fresh, control.sums_of(before, p.product));
            changes := changes || jsonb_build_object(p.product, jsonb_build_object(
                'rows', chosen.row_counts -> p.product, 'inserted', done.inserted, 'closed', done.closed));
            proven := proven || jsonb_build_object(p.product, to_jsonb(done.sums));
        END LOOP;
    EXCEPTION WHEN OTHERS THEN
        PERFORM control.refuse_changed(chosen);   -- the cause, where it is one
        PERFORM control.refuse_repeated(chosen.family);
        RAISE;
    END;
    -- The proof, of the rows that apps are to see: they are what was checked, whatever anybody wrote to the candidate
    -- tables before or meanwhile.
    IF control.family_hash(proven) IS DISTINCT FROM chosen.exact_hash THEN
        proven := control.release_sums(chosen.family, fresh);
        IF control.family_hash(proven) IS DISTINCT FROM chosen.exact_hash THEN
            PERFORM control.refuse_changed(chosen);
            PERFORM control.refuse_repeated(chosen.family);
            RAISE EXCEPTION 'candidate % of family % was changed while it was published', p_candidate, chosen.family
                USING HINT = 'register the candidate again and run its checks';
        END IF;
    END IF;
    UPDATE control.release SET row_changes = changes, sums = proven WHERE release_id = fresh;
    PERFORM control.move_pointer(chosen.family, fresh, p_by, NULL);
    PERFORM control.audit_append(p_by, 'publish', jsonb_build_object(
        'family', chosen.family, 'release_id', fresh, 'candidate_id', p_candidate, 'before', current,
        'content_hash', chosen.content_hash, 'run_id', p_run));
    RETURN fresh;
END $$;
