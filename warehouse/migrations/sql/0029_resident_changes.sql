-- What a run of resolution over changes alone needs of the residents' records that it does not read again: by what they
-- are compared, under which keys they meet others, and how often values occur. Written by every run in the transaction
-- that writes the ledger. It holds personal data of records in force, nothing of others, and the builder alone reads it.
CREATE TABLE resolution.resident_record (
    system text NOT NULL,
    stream text NOT NULL,
    record_key text NOT NULL,
    entity_key text NOT NULL,
    link_kind text NOT NULL,
    borrowed boolean NOT NULL,
    number text,
    typed text,
    typed_ends text,
    typed_head text,
    typed_tail text,
    name text,
    pinyin text,
    surname text,
    sound text,
    day date,
    sex text,
    phone text,
    door text,
    building text,
    community text
);
CREATE INDEX resident_record_by_entity ON resolution.resident_record (entity_key);
COMMENT ON COLUMN resolution.resident_record.borrowed IS 'its number was read as another person''s';

-- 64-bit hashes of the values by which records meet, once per entity, and what tells whether two that meet may be one.
CREATE TABLE resolution.resident_block (
    key bigint NOT NULL,
    sound integer,
    given integer,
    year smallint,
    loose boolean NOT NULL,
    entity_key text NOT NULL
);
CREATE INDEX resident_block_by_key ON resolution.resident_block (key);
COMMENT ON COLUMN resolution.resident_block.sound IS '32-bit hash of the name as it sounds';
COMMENT ON COLUMN resolution.resident_block.given IS '32-bit hash of the name without its first character';
COMMENT ON COLUMN resolution.resident_block.loose IS 'without a valid number of its own';

-- 64-bit hashes of values, and how many entities have them.
CREATE TABLE resolution.resident_count (
    key bigint PRIMARY KEY,
    entities bigint NOT NULL
);

-- Of a purged record nothing is kept here either. Its entity is found by no key until the next run has linked what is
-- left of it anew.
DROP FUNCTION control.numbered_records(text, text);
CREATE FUNCTION control.kept_records(p_system text, p_stream text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT record_key FROM resolution.resident_record WHERE (system, stream) = (p_system, p_stream)
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
REVOKE ALL ON FUNCTION control.kept_records(text, text) FROM PUBLIC;
