-- What each examined run took, and what people said of it: outliers and the judge's sample come from here.
CREATE TABLE runs (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    intent TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    -- JSON: measure -> number; see `clustering.outliers`.
    measures TEXT NOT NULL,
    -- 1: people or evaluators were content; -1: they were not; 0: nobody said.
    rating SMALLINT NOT NULL,
    PRIMARY KEY (tenant, trace_id),
    FOREIGN KEY (tenant, trace_id) REFERENCES traces (tenant, trace_id) ON DELETE CASCADE
);

CREATE INDEX runs_by_intent ON runs (tenant, intent, started_at);

-- What a model said of a run, asked once; what it cost counts to the day's budget.
CREATE TABLE judgements (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    judged_at BIGINT NOT NULL,
    model TEXT NOT NULL,
    verdict TEXT NOT NULL,
    -- Whether a detector had seen a failure by then.
    was_flagged SMALLINT NOT NULL,
    -- Input and output together.
    tokens BIGINT NOT NULL,
    cost_usd DOUBLE PRECISION NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, trace_id),
    FOREIGN KEY (tenant, trace_id) REFERENCES traces (tenant, trace_id) ON DELETE CASCADE
);

CREATE INDEX judgements_by_time ON judgements (tenant, judged_at);

-- Which constraints a run met, step by step, where any applied.
CREATE TABLE constraint_logs (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, trace_id),
    FOREIGN KEY (tenant, trace_id) REFERENCES traces (tenant, trace_id) ON DELETE CASCADE
);
