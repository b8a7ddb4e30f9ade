-- Runs that failed and that a verified fix mended: later fixes of the same agent are tried on them too.
CREATE TABLE mended_runs (
    tenant TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    service TEXT NOT NULL,
    kept_at BIGINT NOT NULL,
    -- A cassette that answers the run once more, as JSON.
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, proposal_id, trace_id),
    FOREIGN KEY (tenant, proposal_id) REFERENCES proposals (tenant, proposal_id)
);
