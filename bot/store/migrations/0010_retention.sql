-- What is older than the operator wants to keep is deleted, oldest first.

-- A trace's first batch never changes, so that the index costs one entry a trace and nothing for its spans.
CREATE INDEX traces_by_arrival ON traces (tenant, first_received_at, trace_id);

-- Before this, bodies are only read again for traces that are known: `reindex` brings nothing back that was deleted.
CREATE TABLE pruned (
    tenant TEXT NOT NULL PRIMARY KEY,
    before BIGINT NOT NULL
);

-- The last failures of a failure mode whose traces are deleted, so that a person still sees what it was.
CREATE TABLE examples (
    tenant TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, failure_mode_id, trace_id, span_id)
);

-- To the day. What no grouping asked for in a long time stands for no failure any more.
ALTER TABLE embeddings ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
