-- What reviewers say of our pull requests, what we answer below them, and those that were closed without a merge.

CREATE TABLE remarks (
    tenant TEXT NOT NULL,
    remark_id TEXT NOT NULL,
    head_branch TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    -- The round that answered it; NULL before.
    round BIGINT,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, remark_id)
);
CREATE INDEX remarks_of_branch ON remarks (tenant, head_branch);

CREATE TABLE notes (
    tenant TEXT NOT NULL,
    head_branch TEXT NOT NULL,
    section TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (tenant, head_branch, section)
);

CREATE TABLE refusals (
    tenant TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    -- The default branch and the sessions that were hurt when it was closed.
    base_sha TEXT NOT NULL,
    n_sessions BIGINT NOT NULL,
    refused_at BIGINT NOT NULL,
    -- NULL until a person says why, or does not for long.
    reason TEXT,
    -- When a person asked for another attempt.
    asked_again_at BIGINT,
    PRIMARY KEY (tenant, proposal_id)
);
CREATE INDEX refusals_of_mode ON refusals (tenant, failure_mode_id);
