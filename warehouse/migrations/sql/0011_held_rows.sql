-- Counts of held rows for the models.
-- Which records wait in quarantine now, without what they say: a "no" must not rest on a register whose record of a
-- resident waits there. What an isolated register holds is counted and nothing else: its keys join to nobody.
CREATE VIEW control.held_rows AS
SELECT q.system, q.stream, CASE WHEN s.landing_schema = 'landing' THEN q.record_key END AS record_key,
    q.first_seen AS held_since
FROM quarantine.row q
LEFT JOIN control.stream s USING (system, stream)
WHERE q.state = 'held';

-- A step always makes seeds or runs tests, so that views alone never stood; nothing is noted about them any more.
DROP TABLE control.build_state;
