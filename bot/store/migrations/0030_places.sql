-- Places that are taken for pull requests about to be opened: a process that is killed in between has not noted them.

CREATE TABLE places (
    tenant TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    repository TEXT NOT NULL,
    agent TEXT NOT NULL,
    taken_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, proposal_id),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);
