-- The whole schema, the same on SQLite and PostgreSQL. Times are microseconds since 1970, UTC. BYTEA means nothing to
-- SQLite, which keeps bytes as bytes in any column. The tenant comes first in every key.

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL
);

CREATE TABLE ingestion_keys (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    -- SHA-256 of the key: enough for 256 random bits, and nothing to steal.
    key_hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, key_hash)
);

CREATE TABLE repositories (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    -- "owner/name" on GitHub; the folder's path for a local repository.
    repository TEXT NOT NULL,
    connected_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, repository)
);

-- Nearly all bytes are here. The number says when the batch came: what it is of which day, and what is older than a
-- day, are ranges of the primary key, by which PostgreSQL can partition this table alone. Spans and traces are not
-- partitioned: that a span is kept once must hold over all days, and a primary key of PostgreSQL cannot without
-- holding the day too.
CREATE TABLE batches (
    tenant TEXT NOT NULL,
    -- 4096 times the microsecond of arrival, plus one for each that came in the same, whosever it is: a tenant's
    -- batches may become another's.
    batch BIGINT NOT NULL UNIQUE,
    dialect TEXT NOT NULL,
    body BYTEA NOT NULL,
    n_bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant, batch)
);

-- The rows that most are written of: without a copy of their key, and without a foreign key, whose every check would be
-- one more search. A batch and its spans are kept in one transaction.
CREATE TABLE spans (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    parent_span_id TEXT,
    name TEXT NOT NULL,
    operation TEXT NOT NULL,
    service TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    status TEXT NOT NULL,
    error_type TEXT,
    session_id TEXT,
    user_id TEXT,
    batch BIGINT NOT NULL,
    -- Place among the spans that the batch decodes to, from 0.
    position INTEGER NOT NULL,
    PRIMARY KEY (tenant, trace_id, span_id)
) WITHOUT ROWID;

CREATE TABLE traces (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    service TEXT NOT NULL,
    session_id TEXT,
    user_id TEXT,
    release TEXT,
    started_at BIGINT NOT NULL,
    first_received_at BIGINT NOT NULL,
    last_received_at BIGINT NOT NULL,
    n_spans INTEGER NOT NULL,
    root_ended INTEGER NOT NULL,
    examined_at BIGINT,
    -- Spans that the trace had when it was examined: one more reopens it.
    examined_n_spans INTEGER NOT NULL,
    PRIMARY KEY (tenant, trace_id)
) WITHOUT ROWID;

-- How far an interrupted reindexing came, and how far it was to go: numbers of batches.
CREATE TABLE reindexing (
    tenant TEXT NOT NULL PRIMARY KEY,
    batch BIGINT NOT NULL,
    last BIGINT NOT NULL
);

CREATE INDEX traces_to_examine ON traces (tenant, last_received_at) WHERE examined_n_spans < n_spans;

CREATE INDEX traces_by_start ON traces (tenant, started_at);

CREATE TABLE quarantine (
    tenant TEXT NOT NULL,
    body_id TEXT NOT NULL,
    dialect TEXT NOT NULL,
    body BYTEA NOT NULL,
    reason TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, body_id)
);

CREATE TABLE deliveries (
    tenant TEXT NOT NULL,
    delivery_id TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    action TEXT NOT NULL,
    payload BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    handled_at BIGINT,
    PRIMARY KEY (tenant, delivery_id)
);

CREATE INDEX deliveries_to_handle ON deliveries (received_at) WHERE handled_at IS NULL;

CREATE TABLE failures (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    detector TEXT NOT NULL,
    service TEXT NOT NULL,
    occurred_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, trace_id, span_id, detector)
);

CREATE TABLE failure_modes (
    tenant TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    detector TEXT NOT NULL,
    failure_key TEXT NOT NULL,
    -- float32, little-endian.
    centroid BYTEA NOT NULL,
    exemplars TEXT NOT NULL,
    n_traces INTEGER NOT NULL,
    n_sessions INTEGER NOT NULL,
    n_users INTEGER NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (tenant, failure_mode_id)
);

CREATE TABLE failure_mode_members (
    tenant TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    span_id TEXT NOT NULL,
    detector TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    PRIMARY KEY (tenant, trace_id, span_id, detector),
    FOREIGN KEY (tenant, trace_id, span_id, detector)
        REFERENCES failures (tenant, trace_id, span_id, detector) ON DELETE CASCADE,
    FOREIGN KEY (tenant, failure_mode_id) REFERENCES failure_modes (tenant, failure_mode_id)
);

CREATE INDEX members_by_mode ON failure_mode_members (tenant, failure_mode_id);

CREATE TABLE embeddings (
    tenant TEXT NOT NULL,
    model TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    -- float32, little-endian.
    vector BYTEA NOT NULL,
    PRIMARY KEY (tenant, model, text_hash)
);

CREATE TABLE proposals (
    tenant TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, proposal_id)
);

CREATE INDEX proposals_by_mode ON proposals (tenant, failure_mode_id);

CREATE TABLE evidence (
    tenant TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    verdict TEXT NOT NULL,
    gathered_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, proposal_id),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);

CREATE TABLE verdicts (
    tenant TEXT NOT NULL,
    -- SHA-256 of what follows but for the time, so that a repeated step records the same verdict once.
    verdict_id TEXT NOT NULL,
    failure_mode_id TEXT NOT NULL,
    -- None when nothing was drafted.
    proposal_id TEXT,
    base_sha TEXT NOT NULL,
    n_traces INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, verdict_id)
);

CREATE INDEX verdicts_by_mode ON verdicts (tenant, failure_mode_id);

CREATE TABLE pull_requests (
    tenant TEXT NOT NULL,
    repository TEXT NOT NULL,
    head_branch TEXT NOT NULL,
    number INTEGER NOT NULL,
    proposal_id TEXT NOT NULL,
    state TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, repository, head_branch),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);

CREATE INDEX pull_requests_by_proposal ON pull_requests (tenant, proposal_id);

CREATE TABLE outcomes (
    tenant TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    decision TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, delivery_id),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);

CREATE INDEX outcomes_by_proposal ON outcomes (tenant, proposal_id);
