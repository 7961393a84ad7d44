ALTER TABLE workspaces ADD COLUMN keep_runs_ms INTEGER;
CREATE INDEX runs_by_start ON runs (workspace, started, id);
