-- What apps learn of identities is what the products that they are shown rest on: the same gate and the same pointer
-- stand before both, and a rollback turns both back.

-- The last run of resolution, by kind of entity, that the candidates of a family were built from.
CREATE TABLE control.build_run (
    family text NOT NULL,
    kind text NOT NULL,
    run_id bigint NOT NULL,
    PRIMARY KEY (family, kind)
);

ALTER TABLE control.candidate ADD COLUMN resolution_runs jsonb;

CREATE OR REPLACE FUNCTION control.register_candidate(
    p_family text, p_as_of date, p_inputs jsonb DEFAULT NULL, p_run text DEFAULT NULL
) RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO control.candidate (family, content_hash, exact_hash, row_counts, as_of, inputs, run_id, resolution_runs)
    SELECT p_family, content, exact, rows, p_as_of, p_inputs, p_run,
        (SELECT jsonb_object_agg(kind, b.run_id) FROM control.build_run b WHERE family = p_family)
    FROM control.candidate_hashes(p_family)
    RETURNING candidate_id
$$;

-- Up to which run each family shows entities of a kind. A family that shows nothing has no row. Of candidates from
-- before this migration nobody knows it: theirs show the ledger as it is, until the next release.
CREATE VIEW resolution.shown_run AS
SELECT p.family, k.kind, coalesce((c.resolution_runs ->> k.kind)::bigint, 9223372036854775807) AS run_id
FROM control.release_pointer p
JOIN control.release r USING (release_id)
JOIN control.candidate c USING (candidate_id)
CROSS JOIN (VALUES ('resident'), ('enterprise')) AS k (kind);

-- Current rows are found by record in the index that they alone are in, ended ones by when they ended.
CREATE INDEX membership_ended ON resolution.membership (to_run) WHERE to_run IS NOT NULL;

-- What was purged is told to nobody, whatever is shown.
CREATE OR REPLACE VIEW serving.resident_crosswalk WITH (security_barrier) AS
SELECT m.system, m.stream, m.record_key, m.entity_key AS resident_key, m.link_kind
FROM resolution.membership m
JOIN resolution.stream_purpose p USING (system, stream)
JOIN resolution.shown_run s ON s.kind = m.kind AND s.family = 'welfare'
WHERE m.kind = 'resident' AND p.purpose = 'welfare_delivery' AND m.to_run IS NULL AND m.from_run <= s.run_id
    AND NOT m.purged
UNION ALL
SELECT m.system, m.stream, m.record_key, m.entity_key, m.link_kind
FROM resolution.membership m
JOIN resolution.stream_purpose p USING (system, stream)
JOIN resolution.shown_run s ON s.kind = m.kind AND s.family = 'welfare'
WHERE m.kind = 'resident' AND p.purpose = 'welfare_delivery' AND m.to_run > s.run_id AND m.from_run <= s.run_id
    AND NOT m.purged;

-- For which app a firm's records are shown, and up to which run.
CREATE VIEW resolution.shown_to AS
SELECT p.system, p.stream, max(s.run_id) AS run_id
FROM (VALUES ('townhub_app_safety', 'premises_safety', 'safety'), ('townhub_app_economy', 'enterprise_service', 'economy'))
    AS app (role, purpose, family)
JOIN resolution.stream_purpose p USING (purpose)
JOIN resolution.shown_run s ON s.family = app.family AND s.kind = 'enterprise'
WHERE pg_has_role(app.role, 'MEMBER')
GROUP BY p.system, p.stream;

CREATE OR REPLACE VIEW serving.enterprise_crosswalk WITH (security_barrier) AS
SELECT m.system, m.stream, m.record_key, m.entity_key AS enterprise_key, m.link_kind
FROM resolution.membership m JOIN resolution.shown_to s USING (system, stream)
WHERE m.kind = 'enterprise' AND m.to_run IS NULL AND m.from_run <= s.run_id
    AND NOT m.purged
UNION ALL
SELECT m.system, m.stream, m.record_key, m.entity_key, m.link_kind
FROM resolution.membership m JOIN resolution.shown_to s USING (system, stream)
WHERE m.kind = 'enterprise' AND m.to_run > s.run_id AND m.from_run <= s.run_id
    AND NOT m.purged;

-- What every key stood for then, by the rule that `resolves_to` follows now (resolution/redirects.py): itself while it was
-- in use, else who had most of the records that it had at its end, else what it had been merged into. `resolves_to` and
-- the state of a key are of today; of the days before, the log of what happened to keys tells, and the memberships do.
CREATE VIEW resolution.key_then AS
SELECT s.family, e.kind, e.entity_key, CASE
        WHEN e.status = 'active' AND e.updated_run <= s.run_id THEN e.entity_key
        ELSE (
            WITH RECURSIVE way (step, entity_key) AS (
                SELECT 1, e.entity_key
                UNION ALL
                SELECT way.step + 1, coalesce(holder.entity_key, last.to_key)
                FROM way
                CROSS JOIN LATERAL (
                    SELECT v.run_id, v.type, v.to_key FROM resolution.event v
                    WHERE v.run_id <= s.run_id AND (
                        v.from_key = way.entity_key AND v.type IN ('merge', 'retire')
                        OR v.to_key = way.entity_key AND v.type = 'restore'
                    )
                    ORDER BY v.event_id DESC LIMIT 1
                ) AS last
                LEFT JOIN LATERAL (
                    SELECT n.entity_key
                    FROM resolution.membership m
                    CROSS JOIN LATERAL (
                        SELECT c.entity_key, c.from_run FROM resolution.membership c
                        WHERE c.to_run IS NULL AND c.kind = m.kind
                            AND (c.system, c.stream, c.record_key) = (m.system, m.stream, m.record_key)
                        UNION ALL
                        SELECT p.entity_key, p.from_run FROM resolution.membership p
                        WHERE p.to_run > s.run_id AND p.kind = m.kind
                            AND (p.system, p.stream, p.record_key) = (m.system, m.stream, m.record_key)
                    ) AS n
                    WHERE m.entity_key = way.entity_key AND m.to_run = last.run_id AND NOT m.voided
                        AND n.from_run <= s.run_id
                    GROUP BY n.entity_key
                    ORDER BY count(*) DESC, n.entity_key = last.to_key DESC, n.entity_key DESC LIMIT 1
                ) AS holder ON true
                WHERE last.type <> 'restore'
            )
            SELECT way.entity_key FROM way ORDER BY way.step DESC LIMIT 1
        )
    END AS current_key
FROM resolution.entity e
JOIN resolution.shown_run s ON s.kind = e.kind AND e.created_run <= s.run_id;

CREATE OR REPLACE VIEW serving.resident_key WITH (security_barrier) AS
SELECT entity_key AS resident_key, current_key FROM resolution.key_then WHERE kind = 'resident' AND family = 'welfare';

-- Who may see what both families show sees what the safety office sees, one row for a key.
CREATE OR REPLACE VIEW serving.enterprise_key WITH (security_barrier) AS
SELECT entity_key AS enterprise_key, current_key FROM resolution.key_then
WHERE kind = 'enterprise' AND family = (
    SELECT max(s.family) FROM resolution.shown_run s
    JOIN (VALUES ('townhub_app_safety', 'safety'), ('townhub_app_economy', 'economy')) AS app (role, family)
        USING (family)
    WHERE pg_has_role(app.role, 'MEMBER')
);
