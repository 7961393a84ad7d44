-- Costs are decimal texts, as exact as the bill. Ids of runs begin with their time, so that they are in its
-- order.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    started BIGINT NOT NULL,
    node TEXT,
    user_id TEXT,
    token TEXT,
    conversation TEXT,
    provider TEXT NOT NULL,
    requested TEXT NOT NULL,
    served TEXT,
    upstream TEXT,
    generation TEXT,
    attempts BIGINT NOT NULL,
    prompt_tokens BIGINT,
    completion_tokens BIGINT,
    cached_tokens BIGINT,
    reasoning_tokens BIGINT,
    cost TEXT,
    upstream_cost TEXT,
    first_output_ms BIGINT,
    total_ms BIGINT,
    finish TEXT,
    error_kind TEXT,
    error TEXT
);
CREATE INDEX runs_of_workspace ON runs (workspace, id);

CREATE TABLE run_contents (
    run TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    request TEXT NOT NULL,
    response TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX run_contents_by_expiry ON run_contents (expires);
