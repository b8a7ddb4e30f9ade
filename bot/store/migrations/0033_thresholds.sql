-- Where the thresholds that move by a rule stand, each time that they moved.

CREATE TABLE thresholds (
    tenant TEXT NOT NULL,
    repository TEXT NOT NULL,
    agent TEXT NOT NULL,
    name TEXT NOT NULL,
    since BIGINT NOT NULL,
    value TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (tenant, repository, agent, name, since)
);
