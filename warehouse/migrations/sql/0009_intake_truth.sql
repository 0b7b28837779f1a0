-- What a load tells of its source. A replay of held rows says nothing about the upstream; and a file or an inbox that
-- brings nothing new is as old as its last file or message, however often we look.
ALTER TABLE control.load
    ADD kind text NOT NULL DEFAULT 'pull' CHECK (kind IN ('pull', 'replay')),
    ADD source_time timestamptz;

CREATE OR REPLACE VIEW control.input_status AS
SELECT s.system, s.stream,
    CASE
        WHEN NOT s.enabled THEN 'disabled'
        WHEN good.load_id IS NULL THEN 'missing'
        WHEN last.state <> 'committed' THEN 'failed'
        WHEN coalesce(good.source_time, good.finished_at) < now() - make_interval(secs => s.freshness_seconds) THEN 'aged'
        ELSE 'fresh'
    END AS state,
    good.finished_at AS last_committed_at, good.load_id AS last_load_id, s.freshness_seconds,
    coalesce(good.source_time, good.finished_at) AS source_time
FROM control.stream s
LEFT JOIN LATERAL (
    SELECT l.load_id, l.finished_at, l.source_time FROM control.load l
    WHERE (l.system, l.stream, l.state, l.kind) = (s.system, s.stream, 'committed', 'pull')
    ORDER BY l.load_id DESC LIMIT 1
) good ON true
LEFT JOIN LATERAL (
    SELECT l.state FROM control.load l
    WHERE (l.system, l.stream, l.kind) = (s.system, s.stream, 'pull') AND l.state <> 'running'
    ORDER BY l.load_id DESC LIMIT 1
) last ON true;
