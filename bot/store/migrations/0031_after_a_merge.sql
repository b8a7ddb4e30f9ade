-- Pull requests that take a merged fix back, because production got worse with it.

CREATE TABLE reverts (
    tenant TEXT NOT NULL,
    -- Of the fix that is taken back.
    proposal_id TEXT NOT NULL,
    repository TEXT NOT NULL,
    number INTEGER NOT NULL,
    head_branch TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, proposal_id),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);
