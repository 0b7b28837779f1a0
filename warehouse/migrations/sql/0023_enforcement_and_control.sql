-- Incidents, hotspots, disputes, repairs and passes for the one purpose of handling events; what door sensors of elderly
-- people say, for the one purpose of their care.
CREATE TABLE released.event (
    incident_key text NOT NULL,
    lead_report text NOT NULL,
    lead_channel text NOT NULL,
    event_type text NOT NULL,
    grid_code text,
    community_code text,
    grid_from text CHECK (grid_from IN ('stated', 'map')),
    longitude double precision,
    latitude double precision,
    sources jsonb NOT NULL,
    report_count integer NOT NULL,
    channel_count integer NOT NULL,
    reported_at timestamptz NOT NULL,
    reported_on date NOT NULL,
    dispatched_at timestamptz,
    handled_at timestamptz,
    closed_at timestamptz,
    closed_no_later_than timestamptz,
    feedback_at timestamptz,
    state text NOT NULL CHECK (
        state IN ('received', 'accepted', 'dispatched', 'handled', 'closed', 'dismissed', 'returned', 'unknown')
    ),
    due_at timestamptz,
    due_from text CHECK (due_from IN ('source', 'rule')),
    limit_version text,
    overdue boolean,
    reopened boolean NOT NULL,
    closed_in_time boolean,
    doubts text[] NOT NULL,
    unknown_inputs text[] NOT NULL
);
CREATE TABLE released.event_hotspot (
    grid_code text NOT NULL,
    event_type text NOT NULL,
    community_code text,
    window_from date NOT NULL,
    window_to date NOT NULL,
    level text NOT NULL CHECK (level IN ('high', 'raised', 'usual', 'low', 'few', 'unknown')),
    incidents integer,
    incidents_before integer,
    share_of_grid numeric(5, 4),
    rate_per_1000_doors numeric(10, 3),
    ratio_to_town numeric(8, 3),
    trend text NOT NULL CHECK (trend IN ('rising', 'falling', 'steady', 'unknown')),
    few boolean NOT NULL,
    doors integer NOT NULL,
    placed_share numeric(5, 4),
    unknown_inputs text[] NOT NULL,
    method_version text NOT NULL
);
CREATE TABLE released.dispute (
    community_code text NOT NULL,
    category text NOT NULL CHECK (
        category IN ('neighbours', 'family', 'labour', 'property_management', 'tenancy', 'consumer')
    ),
    month text NOT NULL,
    cell text NOT NULL CHECK (cell IN ('shown', 'merged', 'too_few', 'unknown')),
    opened integer,
    mediated integer,
    agreed integer,
    open_beyond_limit integer,
    open_without_limit integer,
    unknown_inputs text[] NOT NULL,
    method_version text NOT NULL
);
CREATE TABLE released.repair (
    estate text NOT NULL,
    community_code text,
    finding text NOT NULL CHECK (finding IN ('known', 'unknown')),
    reported integer,
    accepted integer,
    repairing integer,
    done integer,
    overdue integer,
    median_hours_to_accept numeric(12, 2),
    median_hours_to_begin numeric(12, 2),
    median_hours_to_repair numeric(12, 2),
    median_hours_to_done numeric(12, 2),
    unknown_inputs text[] NOT NULL,
    method_version text NOT NULL
);
CREATE TABLE released.community_flow (
    community_code text NOT NULL,
    day date NOT NULL,
    finding text NOT NULL CHECK (finding IN ('known', 'partial', 'unknown', 'no_gates')),
    passes_in integer,
    passes_out integer,
    gates integer NOT NULL,
    gates_heard integer NOT NULL,
    hours_heard integer NOT NULL,
    hours_expected integer NOT NULL,
    coverage numeric(5, 4),
    unknown_inputs text[] NOT NULL,
    method_version text NOT NULL
);
CREATE TABLE released.elder_care_alarm (
    device_id text NOT NULL,
    community_code text,
    grid_code text,
    state text NOT NULL CHECK (
        state IN ('normal', 'no_movement', 'device_unheard', 'battery_flat', 'clock_wrong', 'unknown')
    ),
    reason text NOT NULL,
    next_step text NOT NULL CHECK (
        next_step IN ('none', 'call_then_visit', 'check_device', 'replace_battery', 'set_clock', 'wait', 'ask_platform')
    ),
    quiet_hours integer,
    unheard_hours integer,
    battery integer,
    hours_heard integer NOT NULL,
    heard_until timestamptz,
    unknown_inputs text[] NOT NULL,
    rule_version text NOT NULL
);

SELECT control.open_product(
    'event', 'enforcement', ARRAY['incident_key'], ARRAY['incident_key'], 'event_handling'
);
SELECT control.open_product(
    'event_hotspot', 'enforcement', ARRAY['grid_code', 'event_type'], ARRAY[]::text[], 'event_handling'
);
SELECT control.open_product(
    'dispute', 'enforcement', ARRAY['community_code', 'category', 'month'], ARRAY[]::text[], 'event_handling'
);
SELECT control.open_product('repair', 'enforcement', ARRAY['estate'], ARRAY[]::text[], 'event_handling');
SELECT control.open_product(
    'community_flow', 'enforcement', ARRAY['community_code', 'day'], ARRAY[]::text[], 'event_handling'
);
SELECT control.open_product('elder_care_alarm', 'control', ARRAY['device_id'], ARRAY[]::text[], 'elder_care');
