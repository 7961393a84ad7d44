-- A budget of each user, node or token has a row for each that has called: its share, with counters of its own.
ALTER TABLE budgets ADD COLUMN parent TEXT REFERENCES budgets (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX budget_shares ON budgets (parent, scope_id);
