-- What a model answered to small questions, each asked once: headlines of failing runs, titles of failure modes.
CREATE TABLE advice (
    tenant TEXT NOT NULL,
    -- SHA-256 of the conversation.
    asked TEXT NOT NULL,
    model TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- What could be used of the answer, a JSON string; empty where nothing could.
    answer TEXT NOT NULL,
    -- Input and output together.
    tokens BIGINT NOT NULL,
    cost_usd DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant, asked, model)
);

CREATE INDEX advice_by_time ON advice (tenant, asked_at);

-- A model's one-line diagnosis of each failing run, which is asked about once.
CREATE TABLE headlines (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    -- A JSON string; empty where the answer was not usable.
    line TEXT NOT NULL,
    -- 0 until the failures were grouped by it.
    grouped SMALLINT NOT NULL,
    PRIMARY KEY (tenant, trace_id),
    FOREIGN KEY (tenant, trace_id) REFERENCES traces (tenant, trace_id) ON DELETE CASCADE
);
