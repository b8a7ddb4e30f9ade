-- A table for each day of batches, so that a day is deleted without leaving dead rows behind. What was kept before, and
-- what comes on a day without a table, is in the one named rest.
ALTER TABLE batches RENAME TO batches_rest;

ALTER TABLE batches_rest RENAME CONSTRAINT batches_pkey TO batches_rest_pkey;

ALTER TABLE batches_rest RENAME CONSTRAINT batches_batch_key TO batches_rest_batch_key;

CREATE TABLE batches (
    tenant TEXT NOT NULL,
    batch BIGINT NOT NULL UNIQUE,
    dialect TEXT NOT NULL,
    body BYTEA NOT NULL,
    n_bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant, batch)
) PARTITION BY RANGE (batch);

ALTER TABLE batches ATTACH PARTITION batches_rest DEFAULT;
