-- Amounts are billionths of a US dollar, or requests. `spent` and `reserved` are of the period that ends at
-- `period_end`; a later reservation begins the next one.
CREATE TABLE budgets (
    id TEXT PRIMARY KEY,
    workspace TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    scope_id TEXT NOT NULL,
    unit TEXT NOT NULL,
    amount INTEGER NOT NULL,
    period TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed TEXT NOT NULL,
    created INTEGER NOT NULL,
    period_end INTEGER NOT NULL,
    spent INTEGER NOT NULL,
    reserved INTEGER NOT NULL
) STRICT;
CREATE INDEX budgets_of_workspace ON budgets (workspace, scope, scope_id);

-- `holds` is a JSON array: budget, amount, end of the period that it was reserved in. A reservation that has
-- lapsed (1) is kept for a day: its bill may still come, once.
CREATE TABLE reservations (
    id TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    lapsed INTEGER NOT NULL,
    holds TEXT NOT NULL
) STRICT;
CREATE INDEX reservations_by_expiry ON reservations (expires);
CREATE INDEX reservations_of_host ON reservations (host);
