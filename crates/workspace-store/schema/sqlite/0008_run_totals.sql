-- The sums over runs by day, in the workspace's time zone as it was when they were recorded. They stay when runs
-- are dropped. A cost is two integers, which databases add exactly: billionths of a US dollar, and the rest in
-- units of 10^-24 dollars.
CREATE TABLE run_totals (
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    runs INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_billionths INTEGER NOT NULL,
    cost_rest INTEGER NOT NULL,
    cost_unknown INTEGER NOT NULL,
    PRIMARY KEY (workspace, day, provider, model)
) STRICT;
