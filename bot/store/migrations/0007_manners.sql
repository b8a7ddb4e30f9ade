-- Failure modes that wait: for a place among the pull requests, or for somebody to ask for a fix.

ALTER TABLE pull_requests ADD COLUMN agent TEXT NOT NULL DEFAULT '';

CREATE TABLE waiting (
    tenant TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    repository TEXT NOT NULL,
    agent TEXT NOT NULL,
    -- The commit of the verified fix; empty when none is drafted.
    base_sha TEXT NOT NULL,
    reason TEXT NOT NULL,
    waiting_since BIGINT NOT NULL,
    -- When a person asked for it to go out now.
    asked_at BIGINT,
    PRIMARY KEY (tenant, failure_mode_id)
);
