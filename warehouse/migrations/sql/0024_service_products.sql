-- 智慧经济: profiles, leases, buildings and the business environment, for serving enterprises and nothing else.
CREATE TABLE released.lease_expiry (
    lease_no text NOT NULL,
    enterprise_key text,
    building_code text,
    building_name text NOT NULL,
    room text,
    area_sqm double precision,
    starts_on date NOT NULL,
    ends_on date,
    term text NOT NULL CHECK (term IN ('fixed', 'open_ended', 'unknown')),
    days_left integer,
    warning_level text NOT NULL
        CHECK (warning_level IN ('lapsed', 'urgent', 'soon', 'early', 'none', 'open_ended', 'unknown')),
    reason text NOT NULL,
    unknown_inputs text[] NOT NULL,
    parameter_version text NOT NULL
);
SELECT control.open_product('lease_expiry', 'economy', ARRAY['lease_no'], ARRAY['enterprise_key']::text[],
    'enterprise_service');

CREATE TABLE released.enterprise_profile (
    enterprise_key text NOT NULL,
    credit_code text,
    name text,
    kind text CHECK (kind IN ('firm', 'self_employed')),
    industry text,
    community_code text,
    registered_on date,
    closed_on date,
    registers text[] NOT NULL,
    market_state text CHECK (market_state IN ('open', 'revoked', 'cancelled', 'several')),
    tax_state text CHECK (tax_state IN ('normal', 'non_normal', 'cancelled', 'several')),
    status_check text NOT NULL CHECK (status_check IN ('agree', 'conflict', 'one_register', 'unknown')),
    status_conflict text,
    last_visited_on date,
    visits_12_months integer,
    open_demands integer,
    overdue_demands integer,
    undated_demands integer,
    tax_months integer NOT NULL,
    tax_12_months numeric(18, 2),
    tax_12_months_before numeric(18, 2),
    tax_trend text NOT NULL CHECK (tax_trend IN ('rising', 'stable', 'falling', 'no_base', 'unknown')),
    running_leases integer,
    leases_ending integer,
    leases_undated integer,
    next_lease_end date,
    unknown_inputs text[] NOT NULL,
    parameter_version text NOT NULL
);
SELECT control.open_product('enterprise_profile', 'economy', ARRAY['enterprise_key'], ARRAY['enterprise_key']::text[],
    'enterprise_service');

CREATE TABLE released.building_economy (
    building_code text NOT NULL,
    quarter_from date NOT NULL,
    name text,
    area_sqm double precision,
    floor_labels text,
    let_sqm double precision,
    occupied_share numeric(6, 4),
    tenants integer,
    registered integer,
    rent_yuan_sqm_day numeric(18, 2),
    leased_sqm double precision,
    taxed_enterprises integer,
    tax_yuan numeric(18, 2),
    tax_yuan_sqm numeric(18, 2),
    contradictions text[] NOT NULL,
    unknown_parts text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('known', 'partly_known', 'contradictory', 'unknown')),
    unknown_inputs text[] NOT NULL,
    parameter_version text NOT NULL
);
SELECT control.open_product('building_economy', 'economy', ARRAY['building_code', 'quarter_from'], '{}',
    'enterprise_service');

CREATE TABLE released.business_environment (
    quarter_from date NOT NULL,
    quarter_to date NOT NULL,
    index_value numeric(5, 2),
    state text NOT NULL CHECK (state IN ('known', 'unknown')),
    reason text NOT NULL,
    components jsonb NOT NULL,
    unknown_components text[] NOT NULL,
    method_version text NOT NULL
);
SELECT control.open_product('business_environment', 'economy', ARRAY['quarter_from'], '{}',
    'enterprise_service');

-- 智慧党建: organisations as numbers, for party service alone.
CREATE TABLE released.party_organisation (
    organisation_code text NOT NULL,
    name text NOT NULL,
    community_code text NOT NULL,
    community_name text,
    founded_on date,
    stated_month text NOT NULL,
    branches integer,
    members integer,
    women integer,
    under_35 integer,
    over_60 integer,
    service_points integer,
    activities_12_months integer,
    participants_12_months integer,
    suppressed text[] NOT NULL,
    unknown_parts text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('stated', 'stale', 'unknown')),
    unknown_inputs text[] NOT NULL,
    parameter_version text NOT NULL
);
SELECT control.open_product('party_organisation', 'party', ARRAY['organisation_code'], '{}',
    'party_service');

-- 公共服务: places and deliberations.
CREATE TABLE released.service_point (
    service_point_key text NOT NULL,
    source text NOT NULL CHECK (source IN ('service_circle', 'party_building')),
    name text NOT NULL,
    kind text NOT NULL
        CHECK (kind IN ('elder_care', 'child_care', 'health', 'market', 'culture', 'sport', 'daily_service',
            'public_office', 'party_service')),
    service text,
    community_code text,
    community_name text,
    address text,
    longitude double precision,
    latitude double precision,
    place text NOT NULL CHECK (place IN ('known', 'unknown')),
    opening_hours text,
    opening text NOT NULL CHECK (opening IN ('hours', 'all_day', 'words', 'unknown')),
    state text NOT NULL CHECK (state IN ('open', 'closed', 'unknown')),
    unknown_inputs text[] NOT NULL
);
SELECT control.open_product('service_point', 'service', ARRAY['service_point_key'], '{}',
    'public_service');

CREATE TABLE released.deliberation (
    topic_no text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('bell', 'council')),
    community_code text,
    community_name text,
    title text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'decided', 'dropped')),
    opened_on date NOT NULL,
    closed_on date,
    options integer NOT NULL,
    votes integer,
    double_votes integer,
    valid_votes integer,
    unsound_options integer NOT NULL,
    leading_option integer,
    adopted_option integer,
    outcome text NOT NULL
        CHECK (outcome IN ('open', 'dropped', 'decided_with_the_vote', 'decided_against_the_vote', 'decided_uncounted',
            'decided_unstated', 'unknown')),
    days_to_decision integer,
    days_open integer,
    unknown_inputs text[] NOT NULL
);
SELECT control.open_product('deliberation', 'service', ARRAY['topic_no'], '{}',
    'public_service');

-- 数据总览: indicators, topics and the case study's figures.
CREATE TABLE released.town_indicator (
    indicator_code text NOT NULL,
    provider text NOT NULL,
    name text NOT NULL,
    definition text,
    definition_no integer,
    definitions integer NOT NULL,
    providers integer NOT NULL,
    comparability text NOT NULL
        CHECK (comparability IN ('single', 'comparable', 'differing_definitions', 'differing_units',
            'definition_unknown')),
    unit text,
    value numeric(20, 4),
    stated_on date NOT NULL,
    age_days integer NOT NULL,
    state text NOT NULL CHECK (state IN ('current', 'stale', 'unknown')),
    unknown_inputs text[] NOT NULL,
    parameter_version text NOT NULL
);
SELECT control.open_product('town_indicator', 'overview', ARRAY['indicator_code', 'provider'], '{}',
    'town_overview');

CREATE TABLE released.topic (
    topic text NOT NULL,
    published_on date NOT NULL,
    items integer,
    platforms integer,
    heat bigint,
    negative integer,
    neutral integer,
    positive integer,
    mood_unknown integer,
    mood text NOT NULL CHECK (mood IN ('known', 'mostly_unknown', 'too_few', 'unknown')),
    unknown_inputs text[] NOT NULL,
    parameter_version text NOT NULL
);
SELECT control.open_product('topic', 'overview', ARRAY['topic', 'published_on'], '{}',
    'town_overview');

CREATE TABLE released.case_study (
    figure_code text NOT NULL,
    module text NOT NULL
        CHECK (module IN ('safety', 'welfare', 'enforcement', 'economy', 'control', 'party', 'overview')),
    label text NOT NULL,
    unit text NOT NULL,
    stated_low numeric(18, 4),
    stated_high numeric(18, 4),
    scale_free boolean NOT NULL,
    note text,
    hub_value numeric(20, 4),
    ratio numeric(12, 4),
    state text NOT NULL CHECK (state IN ('counted', 'unknown', 'not_permitted', 'not_counted')),
    reason text NOT NULL,
    unknown_inputs text[] NOT NULL,
    figure_version text NOT NULL
);
SELECT control.open_product('case_study', 'overview', ARRAY['figure_code'], '{}',
    'town_overview');

