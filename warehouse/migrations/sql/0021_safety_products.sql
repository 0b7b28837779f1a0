-- The products of 智慧平安 beside the colours: when premises are looked at again, what became of hazards, and which
-- premises of other registers no place code covers.
CREATE TABLE released.inspection_plan (
    premises_code text NOT NULL,
    premises_key text,
    name text,
    category text,
    grid_code text,
    community_code text,
    colour text NOT NULL CHECK (colour IN ('red', 'yellow', 'green', 'grey')),
    state text NOT NULL CHECK (state IN ('overdue', 'due', 'later', 'unknown')),
    due_on date,
    days_overdue integer,
    last_inspected_on date,
    last_inspector text,
    open_hazards integer NOT NULL,
    unconfirmed_hazards integer NOT NULL,
    needs_other_inspector boolean NOT NULL,
    not_by text[] NOT NULL,
    drawn boolean NOT NULL,
    draw_reason text NOT NULL,
    reason text NOT NULL,
    unknown_inputs text[],
    score_version text NOT NULL
);
SELECT control.open_product(
    'inspection_plan', 'safety', ARRAY['premises_code'], ARRAY['premises_key']::text[], 'premises_safety'
);

CREATE TABLE released.hazard_closure (
    grid_code text NOT NULL,
    category text NOT NULL,
    community_code text,
    state text NOT NULL CHECK (state IN ('known', 'unknown')),
    hazards integer,
    open_hazards integer,
    overdue integer,
    unconfirmed integer,
    closed_on_time integer,
    closed_late integer,
    median_days_to_close numeric(8, 1),
    reinspected_share numeric(5, 4),
    unknown_inputs text[]
);
SELECT control.open_product(
    'hazard_closure', 'safety', ARRAY['grid_code', 'category'], ARRAY[]::text[], 'premises_safety'
);

CREATE TABLE released.uninspected_premises (
    register text NOT NULL,
    record_key text NOT NULL,
    premises_key text,
    name text,
    category text,
    place text,
    grid_code text,
    community_code text,
    finding text NOT NULL CHECK (finding IN ('covered', 'uncovered', 'unknown')),
    confidence text NOT NULL CHECK (confidence IN ('high', 'medium', 'low', 'none')),
    covered_by text,
    known_to integer,
    reason text NOT NULL,
    unknown_inputs text[]
);
SELECT control.open_product(
    'uninspected_premises', 'safety', ARRAY['register', 'record_key'], ARRAY['premises_key']::text[], 'premises_safety'
);
