-- What earlier fixes taught, and which proposals were drafted with it.

CREATE TABLE lessons (
    tenant TEXT NOT NULL,
    lesson_id TEXT NOT NULL,
    -- "kept"; "dropped" because it did harm; "deleted" by a person, and not learned again.
    state TEXT NOT NULL,
    learned_at BIGINT NOT NULL,
    -- When a person last wrote it anew.
    edited_at BIGINT,
    record TEXT NOT NULL,
    PRIMARY KEY (tenant, lesson_id)
);

CREATE TABLE lesson_uses (
    tenant TEXT NOT NULL,
    lesson_id TEXT NOT NULL,
    proposal_id TEXT NOT NULL,
    PRIMARY KEY (tenant, lesson_id, proposal_id),
    FOREIGN KEY (tenant, lesson_id) REFERENCES lessons (tenant, lesson_id)
);
