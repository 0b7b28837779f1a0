-- All twelve policies, candidates to contact, and the day on which a claim is judged.
ALTER TABLE released.welfare_match DROP CONSTRAINT welfare_match_policy_code_check,
    DROP CONSTRAINT welfare_match_outcome_check;
ALTER TABLE released.welfare_match
    ADD CONSTRAINT welfare_match_policy_code_check CHECK (
        policy_code IN ('P01', 'P02', 'P03', 'P04', 'P05', 'P06', 'P07', 'P08', 'P09', 'P10', 'P11', 'P12')
    ),
    ADD CONSTRAINT welfare_match_outcome_check CHECK (outcome IN ('eligible', 'candidate', 'not_eligible', 'unknown')),
    -- Null in releases of before: all of their claims were judged on the day of the release.
    ADD due_on date;
UPDATE control.product SET hash_columns = hash_columns || 'due_on'::text WHERE product = 'welfare_match';
CREATE OR REPLACE VIEW serving.welfare_match WITH (security_barrier) AS
SELECT
    resident_key, policy_code, community_code, outcome, reason, missing_evidence, receiving, finding, amount_due,
    rule_version, evidence, due_on
FROM released.welfare_match;

CREATE TABLE released.welfare_reconciliation (
    policy_code text NOT NULL,
    period text NOT NULL,
    is_current boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('agrees', 'differs', 'not_compared', 'unknown')),
    missing_inputs text[] NOT NULL,
    due_people bigint,
    due_amount numeric(14, 2),
    open_people bigint,
    ordered_people bigint,
    ordered_orders bigint,
    ordered_amount numeric(14, 2),
    paid_people bigint,
    paid_orders bigint,
    paid_amount numeric(14, 2),
    pending_orders bigint,
    pending_amount numeric(14, 2),
    returned_people bigint,
    returned_orders bigint,
    returned_amount numeric(14, 2),
    returned_without_open_account bigint,
    unplaced_orders bigint,
    duplicate_orders bigint,
    duplicate_amount numeric(14, 2),
    dead_orders bigint,
    dead_amount numeric(14, 2),
    difference_people bigint,
    difference_amount numeric(14, 2),
    rule_version text NOT NULL,
    CHECK (policy_code IN ('P01', 'P02', 'P03', 'P04', 'P05', 'P06', 'P07', 'P08', 'P09', 'P10', 'P11', 'P12'))
);
SELECT control.open_product(
    'welfare_reconciliation', 'welfare', ARRAY['policy_code', 'period'], ARRAY[]::text[], 'welfare_delivery'
);
