-- Which model call got an answer, by the answer's id: events that name only `gen_ai.response.id` find their trace so.
-- Filled when a trace is examined, so that a span costs nothing more when it arrives.
CREATE TABLE responses (
    tenant TEXT NOT NULL,
    -- As the trace_id of the events that wait for it in `spans`: "response:" and gen_ai.response.id.
    response_id TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    PRIMARY KEY (tenant, response_id),
    FOREIGN KEY (tenant, trace_id) REFERENCES traces (tenant, trace_id) ON DELETE CASCADE
);

CREATE INDEX responses_by_trace ON responses (tenant, trace_id);

CREATE INDEX spans_waiting ON spans (tenant, trace_id) WHERE substr(trace_id, 1, 9) = 'response:';

-- What webhooks tell about no trace at all waits below "signal:" and its source, to be counted.
CREATE INDEX spans_signals ON spans (tenant, trace_id) WHERE substr(trace_id, 1, 7) = 'signal:';
