-- What grouping reads of a failure, so that no trace is opened for it. NULL in rows of earlier versions: they are filled
-- when their tenant's failures are grouped next.
ALTER TABLE failures ADD COLUMN kind TEXT;
ALTER TABLE failures ADD COLUMN session_id TEXT;
ALTER TABLE failures ADD COLUMN user_id TEXT;

CREATE INDEX failures_by_kind ON failures (tenant, kind, occurred_at);

-- Failures of one kind read alike: one service, one structural key, one masked description.
CREATE TABLE failure_kinds (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (tenant, kind)
);

-- Whose failures a failure mode holds, and the failure modes that it was split off from or that went into it.
ALTER TABLE failure_modes ADD COLUMN service TEXT NOT NULL DEFAULT '""';
ALTER TABLE failure_modes ADD COLUMN owner TEXT NOT NULL DEFAULT '""';
ALTER TABLE failure_modes ADD COLUMN ancestors TEXT NOT NULL DEFAULT '[]';

-- The agent that owned a service when that was last known: an unreadable repository must not split its failure modes.
CREATE TABLE service_owners (
    tenant TEXT NOT NULL,
    service TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (tenant, service)
);

-- What people merged and split by hand, in the order in which they did.
CREATE TABLE wishes (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
);
