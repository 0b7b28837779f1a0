-- What a run of resolution over changes alone needs of the events' records that it does not read again: of what kind and
-- in which half of a day each was, and a hash of what resolution reads of it. Written by every run in the transaction
-- that writes the ledger; the builder alone reads it.
CREATE TABLE resolution.event_record (
    system text NOT NULL,
    stream text NOT NULL,
    record_key text NOT NULL,
    kind text,
    half integer,
    seen bigint NOT NULL,
    PRIMARY KEY (system, stream, record_key)
);
COMMENT ON COLUMN resolution.event_record.half IS 'half days (UTC) since 1970';

-- What was last learned of the town as a whole, for full runs and runs by changes alike: one row. It names no record:
-- where buildings of the address register stand, which grid a square of the map is of, and how often likenesses are true.
CREATE TABLE resolution.event_town (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    learned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    inputs jsonb NOT NULL,
    latitude double precision NOT NULL,
    names text[] NOT NULL,
    figures jsonb NOT NULL,
    ground bytea NOT NULL,
    buildings bytea NOT NULL
);
COMMENT ON COLUMN resolution.event_town.inputs IS 'the fingerprint of what it was learned from';
COMMENT ON COLUMN resolution.event_town.figures IS 'evidence, time apart, channels and the share of such pairs that are true';
COMMENT ON COLUMN resolution.event_town.ground IS 'Parquet: squares of the map and their grids';
COMMENT ON COLUMN resolution.event_town.buildings IS 'Parquet: buildings of the register and their places';

-- Of a purged record nothing is kept here either; what is left of its neighbourhood is looked at by a full run.
CREATE OR REPLACE FUNCTION control.kept_records(p_system text, p_stream text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT record_key FROM resolution.resident_record WHERE (system, stream) = (p_system, p_stream)
    UNION
    SELECT record_key FROM resolution.event_record WHERE (system, stream) = (p_system, p_stream)
    UNION
    SELECT record_key FROM (
        SELECT record_key FROM resolution.membership WHERE (system, stream) = (p_system, p_stream)
        UNION ALL
        SELECT a_record_key FROM resolution.decision WHERE (a_system, a_stream) = (p_system, p_stream)
        UNION ALL
        SELECT b_record_key FROM resolution.decision WHERE (b_system, b_stream) = (p_system, p_stream)
        UNION ALL
        SELECT said ->> 'record_key' FROM resolution.review v
         CROSS JOIN LATERAL jsonb_array_elements(coalesce(v.pair, jsonb_build_array(v.record))) AS said
         WHERE (said ->> 'system', said ->> 'stream') = (p_system, p_stream)
    ) AS held (record_key) WHERE record_key ~ '[0-9]{14}[0-9Xx]'
$$;

CREATE OR REPLACE FUNCTION control.forget_records(p_system text, p_stream text, p_keys text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WITH gone AS (
        DELETE FROM resolution.resident_record r USING unnest(p_keys) AS k (key)
         WHERE (r.system, r.stream, r.record_key) = (p_system, p_stream, k.key) RETURNING r.entity_key
    )
    DELETE FROM resolution.resident_block b WHERE b.entity_key IN (SELECT entity_key FROM gone);
    DELETE FROM resolution.event_record r USING unnest(p_keys) AS k (key)
     WHERE (r.system, r.stream, r.record_key) = (p_system, p_stream, k.key);
    CREATE TEMPORARY TABLE forgotten ON COMMIT DROP AS
        SELECT key, 'forgotten-' || gen_random_uuid() AS pseudonym
          FROM (SELECT DISTINCT unnest(p_keys)) AS k (key) WHERE key ~ '[0-9]{14}[0-9Xx]';
    UPDATE resolution.membership m SET record_key = f.pseudonym FROM pg_temp.forgotten f
     WHERE (m.system, m.stream, m.record_key) = (p_system, p_stream, f.key);
    UPDATE resolution.decision d SET a_record_key = f.pseudonym FROM pg_temp.forgotten f
     WHERE (d.a_system, d.a_stream, d.a_record_key) = (p_system, p_stream, f.key);
    UPDATE resolution.decision d SET b_record_key = f.pseudonym FROM pg_temp.forgotten f
     WHERE (d.b_system, d.b_stream, d.b_record_key) = (p_system, p_stream, f.key);
    UPDATE resolution.review v SET record = v.record || jsonb_build_object('record_key', f.pseudonym)
      FROM pg_temp.forgotten f
     WHERE (v.record ->> 'system', v.record ->> 'stream', v.record ->> 'record_key') = (p_system, p_stream, f.key);
    UPDATE resolution.review v SET pair = (
        SELECT jsonb_agg(said || CASE WHEN f.key IS NULL THEN '{}' ELSE jsonb_build_object('record_key', f.pseudonym) END
                         ORDER BY place)
          FROM jsonb_array_elements(v.pair) WITH ORDINALITY AS t (said, place)
          LEFT JOIN pg_temp.forgotten f
            ON (said ->> 'system', said ->> 'stream', said ->> 'record_key') = (p_system, p_stream, f.key))
     WHERE jsonb_typeof(v.pair) = 'array' AND EXISTS (
           SELECT FROM jsonb_array_elements(v.pair) AS said JOIN pg_temp.forgotten f
               ON (said ->> 'system', said ->> 'stream', said ->> 'record_key') = (p_system, p_stream, f.key));
    DROP TABLE pg_temp.forgotten;
END $$;
