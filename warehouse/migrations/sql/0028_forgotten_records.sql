-- Keys of records that were purged. Some registers make their key of a person's identity number (a certificate's number
-- begins with it, an account's key too), and the identity ledger keeps the keys of all records that it ever joined. Where
-- no version of the record is left, a pseudonym drawn at random takes the place of the key: the history of entities
-- stays whole, and nobody can tell any more whom that record was about.
CREATE FUNCTION control.numbered_records(p_system text, p_stream text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT record_key FROM (
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

CREATE FUNCTION control.forget_records(p_system text, p_stream text, p_keys text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    CREATE TEMPORARY TABLE forgotten ON COMMIT DROP AS
        SELECT key, 'forgotten-' || gen_random_uuid() AS pseudonym FROM (SELECT DISTINCT unnest(p_keys)) AS k (key);
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
REVOKE ALL ON FUNCTION control.numbered_records(text, text), control.forget_records(text, text, text[]) FROM PUBLIC;

-- A decision stays as it was said, but for the key of a record that is forgotten; only the owner, whose function this
-- is done by, may do that.
CREATE OR REPLACE FUNCTION resolution.decision_stays() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    may_change text[] := ARRAY['revoked_at', 'revoked_by', 'revoked_reason'];
    forgets boolean := current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID)
        AND (OLD.a_record_key = NEW.a_record_key OR NEW.a_record_key LIKE 'forgotten-%')
        AND (OLD.b_record_key = NEW.b_record_key OR NEW.b_record_key LIKE 'forgotten-%')
        AND (OLD.revoked_at, OLD.revoked_by, OLD.revoked_reason)
            IS NOT DISTINCT FROM (NEW.revoked_at, NEW.revoked_by, NEW.revoked_reason);
BEGIN
    IF forgets THEN
        may_change := may_change || ARRAY['a_record_key', 'b_record_key'];
    END IF;
    IF (OLD.revoked_at IS NOT NULL AND NOT forgets) OR to_jsonb(NEW) - may_change <> to_jsonb(OLD) - may_change THEN
        RAISE EXCEPTION 'decision % cannot be changed', OLD.decision_id
            USING HINT = 'revoke it (townhub review revoke) and decide anew';
    END IF;
    RETURN NEW;
END $$;
