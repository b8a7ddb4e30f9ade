-- What the model has cost for each failure mode, whether anything came of it or not.
CREATE TABLE spending (
    tenant TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    n_runs BIGINT NOT NULL,
    -- Input and output together.
    tokens BIGINT NOT NULL,
    cost_usd DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant, failure_mode_id)
);
