-- Costs are decimal texts, as exact as the bill. Ids of runs begin with their time, so that they are in its
-- order.
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    started INTEGER NOT NULL,
    node TEXT,
    user_id TEXT,
    token TEXT,
    conversation TEXT,
    provider TEXT NOT NULL,
    requested TEXT NOT NULL,
    served TEXT,
    upstream TEXT,
    generation TEXT,
    attempts INTEGER NOT NULL,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cached_tokens INTEGER,
    reasoning_tokens INTEGER,
    cost TEXT,
    upstream_cost TEXT,
    first_output_ms INTEGER,
    total_ms INTEGER,
    finish TEXT,
    error_kind TEXT,
    error TEXT
) STRICT;
CREATE INDEX runs_of_workspace ON runs (workspace, id);

CREATE TABLE run_contents (
    run TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    request TEXT NOT NULL,
    response TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX run_contents_by_expiry ON run_contents (expires);
