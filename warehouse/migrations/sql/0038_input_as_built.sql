-- A source that answers, but has brought nothing new for longer than its register can be still, is as old as what it
-- last brought: its owner's own delivery has stopped. One that never brought anything is as old as the first answer. Null
-- where nobody can say how long that is.
ALTER TABLE control.stream ADD quiet_seconds integer CHECK (quiet_seconds > 0);

-- What each stream is worth, twice: by all its loads, and by those that the build under way reads (as_built). A load that
-- was committed since the build began makes nothing of it worth more; but where the source failed since, it is not to be
-- relied on, whatever was read before. Without a build both say the same.
CREATE VIEW control.input_worth AS
SELECT s.system, s.stream, how.as_built,
    CASE
        WHEN NOT s.enabled THEN 'disabled'
        WHEN good.load_id IS NULL THEN 'missing'
        WHEN last.state <> 'committed' THEN 'failed'
        WHEN coalesce(good.source_time, good.finished_at) < now() - make_interval(secs => s.freshness_seconds) THEN 'aged'
        WHEN coalesce(news.finished_at, first.finished_at) < now() - make_interval(secs => s.quiet_seconds) THEN 'aged'
        ELSE 'fresh'
    END AS state,
    good.finished_at AS last_committed_at, good.load_id AS last_load_id, s.freshness_seconds,
    coalesce(good.source_time, good.finished_at) AS source_time
FROM control.stream s
CROSS JOIN (VALUES (false), (true)) AS how (as_built)
LEFT JOIN control.build_input b ON how.as_built AND (b.system, b.stream) = (s.system, s.stream)
LEFT JOIN LATERAL (
    SELECT l.load_id, l.finished_at, l.source_time FROM control.load l
    WHERE (l.system, l.stream, l.state, l.kind) = (s.system, s.stream, 'committed', 'pull')
        AND l.load_id <= coalesce(b.load_id, l.load_id)
    ORDER BY l.load_id DESC LIMIT 1
) good ON true
LEFT JOIN LATERAL (
    SELECT l.state FROM control.load l
    WHERE (l.system, l.stream, l.kind) = (s.system, s.stream, 'pull') AND l.state <> 'running'
        AND (l.state <> 'committed' OR l.load_id <= coalesce(b.load_id, l.load_id))
    ORDER BY l.load_id DESC LIMIT 1
) last ON true
LEFT JOIN LATERAL (
    SELECT l.finished_at FROM control.load l
    WHERE (l.system, l.stream, l.state, l.kind) = (s.system, s.stream, 'committed', 'pull')
        AND l.rows_landed + l.rows_tombstoned > 0 AND s.quiet_seconds IS NOT NULL
        AND l.load_id <= coalesce(b.load_id, l.load_id)
    ORDER BY l.load_id DESC LIMIT 1
) news ON true
LEFT JOIN LATERAL (
    SELECT l.finished_at FROM control.load l
    WHERE (l.system, l.stream, l.state, l.kind) = (s.system, s.stream, 'committed', 'pull')
        AND s.quiet_seconds IS NOT NULL
    ORDER BY l.load_id LIMIT 1
) first ON true;

CREATE OR REPLACE VIEW control.input_status AS
SELECT system, stream, state, last_committed_at, last_load_id, freshness_seconds, source_time
FROM control.input_worth WHERE NOT as_built;

CREATE VIEW control.input_as_built AS
SELECT system, stream, state, last_committed_at, last_load_id, freshness_seconds
FROM control.input_worth WHERE as_built;
