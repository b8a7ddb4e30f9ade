-- What the model has cost on each day, for the budget of a day.
CREATE TABLE spending_days (
    tenant TEXT NOT NULL,
    -- YYYY-MM-DD, UTC.
    day TEXT NOT NULL,
    n_runs BIGINT NOT NULL,
    -- Input and output together.
    tokens BIGINT NOT NULL,
    cost_usd DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant, day)
);
