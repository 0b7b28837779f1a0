-- Which purposes the records of a stream serve as identities; written from the contracts by quality.crosswalk.
CREATE TABLE resolution.stream_purpose (
    system text NOT NULL,
    stream text NOT NULL,
    purpose text NOT NULL,
    PRIMARY KEY (system, stream, purpose)
);

-- Record → entity, as of the last run of resolution. The views run as the owner: what an app sees is the view it was
-- granted, and in it the streams whose contract permits the app's purpose. A stream without a row is shown to nobody.
CREATE VIEW serving.resident_crosswalk WITH (security_barrier) AS
SELECT m.system, m.stream, m.record_key, m.entity_key AS resident_key, m.link_kind
FROM resolution.membership m
JOIN resolution.stream_purpose p USING (system, stream)
WHERE m.kind = 'resident' AND m.to_run IS NULL AND p.purpose = 'welfare_delivery';

CREATE VIEW serving.enterprise_crosswalk WITH (security_barrier) AS
SELECT m.system, m.stream, m.record_key, m.entity_key AS enterprise_key, m.link_kind
FROM resolution.membership m
WHERE m.kind = 'enterprise' AND m.to_run IS NULL AND EXISTS (
    SELECT FROM resolution.stream_purpose p
    JOIN (VALUES ('townhub_app_safety', 'premises_safety'), ('townhub_app_economy', 'enterprise_service'))
        AS app (role, purpose) USING (purpose)
    WHERE (p.system, p.stream) = (m.system, m.stream) AND pg_has_role(app.role, 'MEMBER')
);

-- What a key stands for now: itself, what it was merged into, or nobody any more (current_key null).
CREATE VIEW serving.resident_key WITH (security_barrier) AS
SELECT e.entity_key AS resident_key,
    CASE e.status WHEN 'active' THEN e.entity_key ELSE e.resolves_to END AS current_key
FROM resolution.entity e WHERE e.kind = 'resident';

CREATE VIEW serving.enterprise_key WITH (security_barrier) AS
SELECT e.entity_key AS enterprise_key,
    CASE e.status WHEN 'active' THEN e.entity_key ELSE e.resolves_to END AS current_key
FROM resolution.entity e WHERE e.kind = 'enterprise';
