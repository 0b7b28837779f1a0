-- Where a record was that is there no more: of a decision about it, and of keys that may come back.
CREATE INDEX membership_past ON resolution.membership (system, stream, record_key, to_run) WHERE to_run IS NOT NULL;

-- A dismissal is about what the record said then, and can be taken back. 32 bits of a hash tell that it says something
-- else now, and nothing of what it says.
ALTER TABLE resolution.review
    ADD judged text CHECK (judged ~ '^[0-9a-f]{8}$'),
    ADD reopened_at timestamptz,
    ADD reopened_by text,
    ADD reopened_reason text,
    ADD CONSTRAINT dismissed_before_reopened CHECK (reopened_at IS NULL OR (
        outcome = 'dismiss' AND reopened_by <> '' AND reopened_reason <> ''
    ));

-- A record that was purged, or that is another person's since, says nothing of who has the key that it had.
ALTER TABLE resolution.membership
    ADD voided boolean NOT NULL DEFAULT false,
    ADD purged boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT purged_is_void CHECK (voided OR NOT purged);
COMMENT ON COLUMN resolution.membership.voided IS
    'the record was purged, or became another person''s: whoever has it now has no claim to the key that it had';
COMMENT ON COLUMN resolution.membership.purged IS
    'no version of the record was landed any more: whatever lands under its key is another record';

CREATE FUNCTION control.past_records(p_system text, p_stream text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT m.record_key FROM resolution.membership m
     WHERE (m.system, m.stream) = (p_system, p_stream) AND m.to_run IS NOT NULL AND NOT m.voided
       AND NOT EXISTS (SELECT FROM resolution.membership n WHERE n.kind = m.kind AND n.to_run IS NULL
                          AND (n.system, n.stream, n.record_key) = (m.system, m.stream, m.record_key))
$$;
COMMENT ON FUNCTION control.past_records(text, text) IS
    'Keys of a stream''s records that identities had and have no more, and that were not purged as far as is known.';

CREATE FUNCTION control.void_records(p_system text, p_stream text, p_keys text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE resolution.membership SET voided = true, purged = true
     WHERE (system, stream) = (p_system, p_stream) AND record_key = ANY (p_keys) AND NOT purged
$$;
REVOKE ALL ON FUNCTION control.past_records(text, text), control.void_records(text, text, text[]) FROM PUBLIC;

-- Records of residents that no key in use stands for and that a release of before still names: by key, system, stream.
-- Of one that became another person's only versions up to `until_load` speak of this resident: what the last run read
-- that knew it as theirs.
CREATE FUNCTION control.residents_of_before()
RETURNS TABLE (resident_key text, system text, stream text, record_key text, until_load bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named text;
BEGIN
    SELECT string_agg(format('SELECT r.resident_key FROM released.%I r WHERE r.to_release IS NOT NULL', product),
                      ' UNION ALL ') INTO named
    FROM control.products_of_residents();
    RETURN QUERY EXECUTE format($q$
        SELECT e.entity_key, m.system, m.stream, m.record_key,
            CASE WHEN m.voided THEN (
                SELECT (n.detail -> 'inputs' ->> (m.system || '.' || m.stream))::bigint FROM resolution.run n
                WHERE n.kind = 'residents' AND n.finished_at IS NOT NULL AND n.run_id < m.to_run
                ORDER BY n.run_id DESC LIMIT 1) END
        FROM resolution.entity e
        LEFT JOIN resolution.membership m ON m.entity_key = e.entity_key AND NOT m.purged
        WHERE e.kind = 'resident' AND e.status <> 'active' AND e.resolves_to IS NULL AND e.entity_key IN (%s)
        ORDER BY 1, 2, 3, 4 $q$, named);
END $$;
