-- Keys have names, scopes and an end; what was taken out of bodies is counted, never kept.

-- What a person calls the key.
ALTER TABLE ingestion_keys ADD COLUMN label TEXT NOT NULL DEFAULT '';

-- A JSON list of patterns of service names; empty allows every service.
ALTER TABLE ingestion_keys ADD COLUMN services TEXT NOT NULL DEFAULT '[]';

-- Set by a rotation: the time from which the key is refused.
ALTER TABLE ingestion_keys ADD COLUMN valid_until BIGINT;

-- To the hour, so that not every request is a write.
ALTER TABLE ingestion_keys ADD COLUMN last_used_at BIGINT;

CREATE TABLE replaced (
    tenant TEXT NOT NULL,
    -- Name of the redaction rule.
    rule TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (tenant, rule)
);
