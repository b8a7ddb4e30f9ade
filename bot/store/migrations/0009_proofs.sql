-- What became of merged fixes in production.

CREATE TABLE deployments (
    tenant TEXT NOT NULL,
    repository TEXT NOT NULL,
    -- The commit that was deployed.
    sha TEXT NOT NULL,
    -- When it was first told to have succeeded in production.
    succeeded_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, repository, sha)
);

CREATE TABLE proofs (
    tenant TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, proposal_id),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);
