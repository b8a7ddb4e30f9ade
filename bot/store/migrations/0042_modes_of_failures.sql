-- Which failure mode each failure is in, '' for none yet: one at most, so no table is needed. The index finds what is
-- new, how many of each kind are in each mode, and the latest of them, without a look at the others.
ALTER TABLE failures ADD COLUMN failure_mode_id TEXT NOT NULL DEFAULT '';
UPDATE failures SET failure_mode_id = COALESCE((
    SELECT m.failure_mode_id FROM failure_mode_members m
    WHERE m.tenant = failures.tenant AND m.trace_id = failures.trace_id AND m.span_id = failures.span_id
        AND m.detector = failures.detector
), '');
DROP TABLE failure_mode_members;
DROP INDEX failures_by_kind;
CREATE INDEX failures_by_mode ON failures (tenant, failure_mode_id, kind, occurred_at, trace_id);
CREATE INDEX failures_undescribed ON failures (tenant) WHERE kind IS NULL;

-- How many failures a failure mode had when it was last counted whom it reaches.
ALTER TABLE failure_modes ADD COLUMN n_counted BIGINT NOT NULL DEFAULT -1;
