-- The schemas of the six steps. Runs as townhub_owner, who owns them all.
CREATE SCHEMA IF NOT EXISTS control;
CREATE SCHEMA landing;
CREATE SCHEMA isolated;      -- health code: no other schema may be derived from it
CREATE SCHEMA quarantine;
CREATE SCHEMA inbox;
CREATE SCHEMA staging;
CREATE SCHEMA resolution;
CREATE SCHEMA core;
CREATE SCHEMA candidate;
CREATE SCHEMA released;
CREATE SCHEMA serving;

COMMENT ON SCHEMA control IS 'Ledger of loads, cursors, candidates, verdicts, releases and the audit chain';
COMMENT ON SCHEMA landing IS 'Change log of every upstream stream, written by townhub_loader';
COMMENT ON SCHEMA isolated IS 'Streams that may never be joined to anything (health code)';
COMMENT ON SCHEMA quarantine IS 'Rows that were refused, with their reasons';
COMMENT ON SCHEMA inbox IS 'Messages pushed to us, kept until a load has taken them';
COMMENT ON SCHEMA staging IS 'Current version of each record (dbt)';
COMMENT ON SCHEMA resolution IS 'Which records speak of one resident, enterprise, premises or event';
COMMENT ON SCHEMA core IS 'Dimensions and facts (dbt)';
COMMENT ON SCHEMA candidate IS 'Products that wait for their gate (dbt)';
COMMENT ON SCHEMA released IS 'Product rows by release range; written by control.publish alone';
COMMENT ON SCHEMA serving IS 'What apps may query';
